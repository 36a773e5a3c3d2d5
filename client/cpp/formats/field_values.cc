#include "client/cpp/formats/field_values.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "client/cpp/formats/utf8.h"
#include "client/cpp/formats/words.h"

namespace sluice {
namespace {

// Folded, with every run of blanks, '_' and '-' as one '-', without stops at its ends.
std::string Folded(absl::string_view text) {
  std::string out;
  for (const char c : FoldedCase(WithPlainSpaces(text))) {
    const bool divides = c == ' ' || c == '_' || c == '-';
    if (!divides) {
      out.push_back(c);
    } else if (!out.empty() && out.back() != '-') {
      out.push_back('-');
    }
  }
  while (!out.empty() && (out.back() == '-' || out.back() == ':')) out.pop_back();
  return out;
}

struct IntervalWords {
  PayInterval interval;
  absl::string_view words;
};

constexpr IntervalWords kIntervals[] = {
    {{v1::HOUR},
     "hour hours hourly hr hrs h ph p.h p.h. stunde stunden stündlich std std. stundenlohn heure heures "
     "horaire "
     "hora horas ora ore uur uurloon"},
    {{v1::DAY},
     "day days daily d pd p.d p.d. diem tag tage täglich tagessatz jour jours journée journalier día dias "
     "días "
     "dia giorno dag"},
    {{v1::WEEK},
     "week weeks weekly wk wks w pw p.w p.w. woche wochen wöchentlich semaine semaines hebdomadaire semana "
     "settimana"},
    {{v1::MONTH},
     "month months monthly mon mo mth pm pcm p.m p.m. p.-m. monat monate monatlich monatsgehalt mois mensuel "
     "mes "
     "meses "
     "mensual mese maand"},
    {{v1::YEAR},
     "year years yearly yr yrs y pa p.a p.a. p.-a. annum annual annually jahr jahre jährlich jahresgehalt an "
     "ans "
     "année "
     "annuel année año años anual anno jaar"},
    {{v1::YEAR, 26},
     "biweekly bi-week bi-weekly bi-weeks fortnight fortnightly every-two-weeks every-2-weeks two-weeks "
     "2-weeks "
     "every-other-week zweiwöchentlich 14-tägig 14-täglich"},
    {{v1::YEAR, 24},
     "semimonth semi-month semimonthly semi-monthly twice-a-month twice-monthly half-month halbmonatlich"},
    {{v1::YEAR, 4}, "quarter quarterly quartal vierteljährlich trimestre trimestriel"},
    {{v1::YEAR, 2}, "semiannual semi-annual semiannually semi-annually half-yearly half-year halbjährlich"}};

// "per-year" to "year", "/hr" to "hr".
absl::string_view WithoutPer(absl::string_view word) {
  for (const absl::string_view per : {"/-", "/", "per-", "pro-", "je-", "par-", "por-", "al-", "à-l'", "all'",
                                      "im-", "a-", "an-", "each-", "every-", "de-l'"}) {
    if (word.size() > per.size() && absl::ConsumePrefix(&word, per)) break;
  }
  return word;
}

struct CurrencyWords {
  absl::string_view currency;
  absl::string_view words;
};

// Signs that several currencies share are the best known one's; "kr" belongs to three and is nobody's.
constexpr CurrencyWords kCurrencies[] = {{"EUR", "€ euro euros"},
                                         {"USD", "$ us$ usd$ dollar dollars us-dollar us-dollars"},
                                         {"GBP", "£ gb£ pound pounds pound-sterling sterling pfund"},
                                         {"CHF", "sfr fr fr. sfr. franken francs"},
                                         {"CAD", "c$ ca$ cad$ can$ cdn$"},
                                         {"AUD", "a$ au$ aud$"},
                                         {"NZD", "nz$"},
                                         {"HKD", "hk$"},
                                         {"SGD", "s$ sg$"},
                                         {"BRL", "r$ reais real"},
                                         {"MXN", "mx$ mex$"},
                                         {"INR", "₹ rs rs. rupees rupee"},
                                         {"JPY", "¥ jp¥ yen 円"},
                                         {"CNY", "rmb cn¥ yuan 元"},
                                         {"KRW", "₩ won 원"},
                                         {"ILS", "₪ nis"},
                                         {"PLN", "zł złoty zloty złotych"},
                                         {"CZK", "kč"},
                                         {"HUF", "ft forint"},
                                         {"RUB", "₽ руб руб. rubles"},
                                         {"UAH", "₴ грн"},
                                         {"TRY", "₺ tl"},
                                         {"VND", "₫"},
                                         {"PHP", "₱"},
                                         {"NGN", "₦"},
                                         {"THB", "฿"}};

struct Multiple {
  absl::string_view words;
  double times;
  bool a_year = false;
};

constexpr Multiple kMultiples[] = {{"k tsd tsd. tausend thousand mille", 1e3},
                                   {"lakh lakhs lac lacs", 1e5},
                                   {"lpa", 1e5, true},
                                   {"cr crore crores", 1e7},
                                   {"mio mio. million millions millionen", 1e6}};

constexpr absl::string_view kIsoCodes =
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd btn bwp byn bzd cad "
    "cdf "
    "chf clf clp cny cop crc cuc cup cve czk djf dkk dop dzd egp ern etb eur fjd fkp gbp gel ghs gip gmd gnf "
    "gtq "
    "gyd hkd hnl hrk htg huf idr ils inr iqd irr isk jmd jod jpy kes kgs khr kmf kpw krw kwd kyd kzt lak lbp "
    "lkr "
    "lrd lsl lyd mad mdl mga mkd mmk mnt mop mru mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen "
    "pgk "
    "php pkr pln pyg qar ron rsd rub rwf sar sbd scr sdg sek sgd shp sle sll sos srd ssp stn svc syp szl thb "
    "tjs "
    "tmt tnd top try ttd twd tzs uah ugx usd uyu uzs ves vnd vuv wst xaf xcd xof xpf yer zar zmw zwl";

// Takes the words behind an amount one after another; what is left is no part of it.
bool ReadBehind(absl::string_view text, WrittenAmount& amount) {
  text = absl::StripAsciiWhitespace(text);
  while (!text.empty()) {
    if (!amount.interval.has_value()) {
      amount.interval = ParseInterval(text);
      if (amount.interval.has_value()) return true;
    }
    size_t end = std::min(text.find_first_of(" /"), text.size());
    // "60k€" has no space.
    if (absl::StartsWithIgnoreCase(text, "k") && end > 1 && !absl::ascii_isalpha(text[1])) end = 1;
    const std::string word = FoldedCase(text.substr(0, end));
    const auto multiple = std::find_if(std::begin(kMultiples), std::end(kMultiples),
                                       [&](const Multiple& each) { return IsOneOf(word, each.words); });
    if (multiple != std::end(kMultiples)) {
      amount.number.value *= multiple->times;
      if (amount.number.other.has_value()) *amount.number.other *= multiple->times;
      if (multiple->a_year) amount.interval = PayInterval{v1::YEAR};
    } else if (IsOneOf(word, "brutto bruto brut lordo gross")) {
      // Pay is meant before tax, also where nothing says so.
    } else if (const auto currency = ParseCurrency(word); currency.has_value()) {
      if (!amount.currency.empty() && amount.currency != *currency) {
        // "$50,000 CAD": the code says whose dollars.
        if (word.size() != 3) return false;
      }
      amount.currency = *currency;
    } else {
      return false;
    }
    text = absl::StripLeadingAsciiWhitespace(text.substr(end));
  }
  return true;
}

}  // namespace

std::optional<PayInterval> ParseInterval(absl::string_view text) {
  const std::string folded = Folded(text);
  for (const absl::string_view word : {absl::string_view(folded), WithoutPer(folded)}) {
    for (const IntervalWords& each : kIntervals) {
      if (IsOneOf(word, each.words)) return each.interval;
    }
  }
  return std::nullopt;
}

std::optional<std::string> ParseCurrency(absl::string_view text) {
  const std::string folded = Folded(text);
  for (const CurrencyWords& each : kCurrencies) {
    if (IsOneOf(folded, each.words)) return std::string(each.currency);
  }
  if (!IsOneOf(folded, kIsoCodes)) return std::nullopt;
  return absl::AsciiStrToUpper(folded);
}

std::optional<WrittenAmount> ParseAmount(absl::string_view written, DecimalMark decimal) {
  const std::string plain = WithPlainSpaces(written);
  const absl::string_view text = plain;
  constexpr absl::string_view kDigits = "0123456789";
  constexpr size_t kLongest = 80;
  size_t begin = text.find_first_of(kDigits);
  if (begin == absl::string_view::npos || text.size() > kLongest) return std::nullopt;
  if (begin > 0 && (text[begin - 1] == '.' || text[begin - 1] == ',')) --begin;
  size_t end = text.find_last_of(kDigits) + 1;
  // "55.000,-" and "55000." end behind their last digit.
  while (end < text.size() && (text[end] == '.' || text[end] == ',')) ++end;
  for (const absl::string_view dash : {"--", "-", "–", "—"}) {
    if (absl::StartsWith(text.substr(end), dash)) {
      end += dash.size();
      break;
    }
  }
  const std::optional<WrittenNumber> number = ReadNumber(text.substr(begin, end - begin), decimal);
  if (!number.has_value()) return std::nullopt;
  WrittenAmount amount{.number = *number};
  const absl::string_view before = absl::StripAsciiWhitespace(text.substr(0, begin));
  if (absl::StartsWith(before, "-") || absl::EndsWith(before, "-")) return std::nullopt;  // "-£5", "£-5"
  if (!before.empty()) {
    const std::optional<std::string> currency = ParseCurrency(before);
    if (!currency.has_value()) return std::nullopt;
    amount.currency = *currency;
  }
  absl::string_view behind = text.substr(end);
  absl::ConsumePrefix(&behind, "/-");  // India's "only": "Rs. 12,00,000/-"
  if (!ReadBehind(behind, amount)) return std::nullopt;
  return amount;
}

std::optional<bool> ParseBoolean(absl::string_view text) {
  constexpr absl::string_view kYes =
      "true t yes y 1 1.0 1,0 on x wahr ja j vrai oui o verdadero cierto sí si verdadeiro sim vero sì waar "
      "prawda "
      "tak pravda ano истина да sant remote";
  constexpr absl::string_view kNo =
      "false f no n 0 0.0 0,0 off falsch nein falso faux non não nao onwaar nee fałsz nie nepravda ne ложь "
      "нет "
      "falskt onsite on-site";
  const std::string folded = Folded(text);
  if (IsOneOf(folded, kYes)) return true;
  if (IsOneOf(folded, kNo)) return false;
  return std::nullopt;
}

bool IsCommaBoolean(absl::string_view text) {
  const std::string folded = Folded(text);
  return !folded.empty() &&
         IsOneOf(
             folded,
             "wahr falsch vrai faux verdadero falso verdadeiro vero waar onwaar prawda fałsz истина ложь");
}

bool IsAbsent(absl::string_view text) {
  constexpr size_t kLongest = 16;  // in bytes, with room for spaces
  text = absl::StripAsciiWhitespace(text);
  if (text.size() > kLongest) return false;
  if (IsOneOf(text, "None NONE NA na")) return true;
  const std::string plain = absl::AsciiStrToLower(WithPlainSpaces(text));
  return IsOneOf(
             plain,
             "nan -nan nat <na> n/a n.a. n.a null (null) <null> nil undefined \\n - -- --- – — #n/a #na #nv "
             "#null! #value! #ref! #name? #div/0! #num! #wert! #bezug! #zahl! 1.#ind -1.#ind 1.#qnan "
             "-1.#qnan "
             "k.a. k.a ?") ||
         plain.empty() || plain == "k. a." || plain == "#n/a n/a" || plain == "n. a.";
}

}  // namespace sluice
