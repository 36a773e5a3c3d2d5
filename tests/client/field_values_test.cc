#include "client/cpp/formats/field_values.h"

#include <gtest/gtest.h>

#include "client/cpp/formats/flat_style.h"
#include "client/cpp/formats/posting_pay.h"
#include "client/cpp/formats/written_date.h"

namespace sluice {
namespace {

constexpr DecimalMark kAnyMark[] = {DecimalMark::kUnknown, DecimalMark::kPoint, DecimalMark::kComma};

// Where the text itself leaves no doubt the file's way does not matter.
TEST(ReadNumber, NumbersOfOneReadingInTheWayOfAnyCountry) {
  const std::pair<const char*, double> kCases[] = {{"55000", 55000},
                                                   {"55000.0", 55000},
                                                   {"55000.", 55000},
                                                   {".5", 0.5},
                                                   {"27,50", 27.5},
                                                   {"1,234,567.5", 1234567.5},
                                                   {"1.234.567,5", 1234567.5},
                                                   {"12,00,000", 1200000},
                                                   {"1.234.567", 1234567},
                                                   {"55 000", 55000},
                                                   {"55\u00A0000,50", 55000.5},
                                                   {"55\u202F000", 55000},
                                                   {"55'000", 55000},
                                                   {"1\u2019055\u2019000.50", 1055000.5},
                                                   {"55000,125", 55000.125},
                                                   {"0.500", 0.5},
                                                   {"0,500", 0.5},
                                                   {"5.5e4", 55000},
                                                   {"5.5E+04", 55000},
                                                   {"5,5E+04", 55000},
                                                   {"55000,-", 55000},
                                                   {"55'000.\u2013", 55000},
                                                   {"55 000,000", 55000},
                                                   {" 0 ", 0}};
  for (const auto& [text, value] : kCases) {
    for (const DecimalMark decimal : kAnyMark) {
      const auto number = ReadNumber(text, decimal);
      ASSERT_TRUE(number.has_value()) << text;
      EXPECT_EQ(number->value, value) << text;
      EXPECT_FALSE(number->other.has_value()) << text;
    }
  }
}

TEST(ReadNumber, WhatIsNoNumberOfAtLeastZero) {
  for (const char* text :
       {"",        "-5",    "+5",  "1e400", "inf",  "nan", "lots", "5,5,5", "55,0000,000", "1.2.3",
        "1,2.3,4", "40-50", "5 5", "'",     "1'00", ".",   ",",    "0x10",  "1e",          "5..5"}) {
    for (const DecimalMark decimal : kAnyMark) EXPECT_FALSE(ReadNumber(text, decimal).has_value()) << text;
  }
}

TEST(ReadNumber, AMarkBeforeThreeDigitsIsReadInTheFilesWay) {
  const auto german = ReadNumber("55.000", DecimalMark::kComma);
  EXPECT_EQ(german->value, 55000);
  EXPECT_EQ(german->other, 55);
  EXPECT_TRUE(german->preferred);
  EXPECT_FALSE(ReadNumber("55.000", DecimalMark::kUnknown)->preferred);
  EXPECT_EQ(ReadNumber("55.000", DecimalMark::kPoint)->value, 55);
  EXPECT_FALSE(ReadNumber("55.000", DecimalMark::kPoint)->other.has_value());
  EXPECT_EQ(ReadNumber("55,000", DecimalMark::kUnknown)->value, 55000);
  EXPECT_EQ(ReadNumber("55,000", DecimalMark::kPoint)->value, 55000);
  EXPECT_FALSE(ReadNumber("55,000", DecimalMark::kComma)->preferred);
}

TEST(ReadNumber, AProgramsNumberHasOneReading) {
  for (const char* text : {"52.885", "769.231", "0.5", "55000", "1e+16", "1.5e+300"}) {
    for (const DecimalMark decimal : kAnyMark) {
      const auto number = ReadNumber(WithDecimalPoint(text), decimal);
      ASSERT_TRUE(number.has_value()) << text;
      EXPECT_EQ(number->value, std::stod(text)) << text;
      EXPECT_FALSE(number->other.has_value()) << text;
    }
  }
}

TEST(ReadNumber, TellsTheMarkThatItProves) {
  EXPECT_EQ(ReadNumber("55000.5", DecimalMark::kUnknown)->shows, DecimalMark::kPoint);
  EXPECT_EQ(ReadNumber("1,234,567", DecimalMark::kUnknown)->shows, DecimalMark::kPoint);
  EXPECT_EQ(ReadNumber("55000,5", DecimalMark::kUnknown)->shows, DecimalMark::kComma);
  EXPECT_EQ(ReadNumber("1.234,00", DecimalMark::kUnknown)->shows, DecimalMark::kComma);
  EXPECT_EQ(ReadNumber("1.234.567", DecimalMark::kUnknown)->shows, DecimalMark::kComma);
  for (const char* text : {"55000", "55.000", "55,000", "55 000"})
    EXPECT_EQ(ReadNumber(text, DecimalMark::kUnknown)->shows, DecimalMark::kUnknown) << text;
}

TEST(ParseAmount, TakesWhatPeopleWriteBesideIt) {
  struct Case {
    const char* text;
    double value;
    const char* currency;
    std::optional<PayInterval> interval;
  };
  const Case kCases[] = {{"\u00A340,000", 40000, "GBP", {}},
                         {"55.000,50 \u20AC", 55000.5, "EUR", {}},
                         {"EUR 55 000", 55000, "EUR", {}},
                         {"55k", 55000, "", {}},
                         {"60 Tsd. \u20AC", 60000, "EUR", {}},
                         {"$55K/yr", 55000, "USD", PayInterval{v1::YEAR}},
                         {"12 LPA", 1200000, "", PayInterval{v1::YEAR}},
                         {"\u00A315.50 per hour", 15.5, "GBP", PayInterval{v1::HOUR}},
                         {"55000 EUR/year", 55000, "EUR", PayInterval{v1::YEAR}},
                         {"55.000,- EUR", 55000, "EUR", {}},
                         {"$50,000 CAD", 50000, "CAD", {}},
                         {"Rs. 12,00,000/-", 1200000, "INR", {}},
                         {"55.000 € brutto/Jahr", 55000, "EUR", PayInterval{v1::YEAR}}};
  for (const Case& each : kCases) {
    const auto amount = ParseAmount(each.text, DecimalMark::kComma);
    ASSERT_TRUE(amount.has_value()) << each.text;
    EXPECT_EQ(amount->number.preferred ? amount->number.value : *amount->number.other, each.value)
        << each.text;
    EXPECT_EQ(amount->currency, each.currency) << each.text;
    EXPECT_EQ(amount->interval, each.interval) << each.text;
  }
  for (const char* text : {"Competitive", "-5", "-\u00A3500", "\u00A3-500", "- EUR 55000", "40000 - 50000",
                           "up to 50000", "50000 + bonus", "", "\u20AC", "50000 xyz"})
    EXPECT_FALSE(ParseAmount(text, DecimalMark::kUnknown).has_value()) << text;
}

TEST(ParseInterval, KnowsItsWordsAndHowManyAYearHas) {
  const std::pair<const char*, PayInterval> kCases[] = {{"hourly", {v1::HOUR}},
                                                        {"HOURS", {v1::HOUR}},
                                                        {"pro Stunde", {v1::HOUR}},
                                                        {"/h", {v1::HOUR}},
                                                        {"Daily", {v1::DAY}},
                                                        {"per day", {v1::DAY}},
                                                        {"WEEK", {v1::WEEK}},
                                                        {"par mois", {v1::MONTH}},
                                                        {"monatlich", {v1::MONTH}},
                                                        {"ANNUM", {v1::YEAR}},
                                                        {"PER_YEAR", {v1::YEAR}},
                                                        {"per annum", {v1::YEAR}},
                                                        {"p.a.", {v1::YEAR}},
                                                        {"p. a.", {v1::YEAR}},
                                                        {"p. M.", {v1::MONTH}},
                                                        {"J\u00C4HRLICH", {v1::YEAR}},
                                                        {"biweekly", {v1::YEAR, 26}},
                                                        {"BI_WEEKLY", {v1::YEAR, 26}},
                                                        {"fortnightly", {v1::YEAR, 26}},
                                                        {"Semi-Monthly", {v1::YEAR, 24}},
                                                        {"twice a month", {v1::YEAR, 24}},
                                                        {"quarterly", {v1::YEAR, 4}}};
  for (const auto& [text, interval] : kCases) {
    ASSERT_TRUE(ParseInterval(text).has_value()) << text;
    EXPECT_EQ(*ParseInterval(text), interval) << text;
  }
  for (const char* text : {"", "bimonthly", "once", "per project", "per", "/"})
    EXPECT_FALSE(ParseInterval(text).has_value()) << text;
}

TEST(ParseCurrency, CodesSignsAndNames) {
  const std::pair<const char*, const char*> kCases[] = {
      {"eur", "EUR"},   {"\u00A3", "GBP"},  {"$", "USD"},      {"US$", "USD"}, {"C$", "CAD"},
      {"Euros", "EUR"}, {"Z\u0141", "PLN"}, {"\u20AC", "EUR"}, {"CHF", "CHF"}, {"US Dollar", "USD"}};
  for (const auto& [text, currency] : kCases) EXPECT_EQ(ParseCurrency(text), currency) << text;
  for (const char* text : {"", "kr", "xyz", "money"}) EXPECT_FALSE(ParseCurrency(text).has_value()) << text;
}

TEST(ParseBoolean, InTheLanguagesOfSpreadsheets) {
  for (const char* text : {"True", "1", "1.0", "yes", "Y", "WAHR", "ja", "VRAI", "oui", "VERDADERO",
                           "s\u00ED", "VERO", "PRAWDA", "Remote"})
    EXPECT_EQ(ParseBoolean(text), true) << text;
  for (const char* text : {"false", "0", "0.0", "No", "n", "FALSCH", "nein", "FAUX", "non", "FALSO",
                           "FA\u0141SZ", "N\u00C3O", "on-site"})
    EXPECT_EQ(ParseBoolean(text), false) << text;
  for (const char* text : {"", "hybrid", "maybe", "2"}) EXPECT_FALSE(ParseBoolean(text).has_value()) << text;
}

TEST(IsAbsent, WordsForNothing) {
  for (const char* text :
       {"",     " ",   "nan", "NaN", "None",   "NaT",  "<NA>", "NA",  "N/A",  "n/a",       "null",
        "NULL", "nil", "-",   "--",  "\u2013", "#N/A", "#NV",  "\\N", "k.A.", "undefined", "\u00A0"})
    EXPECT_TRUE(IsAbsent(text)) << text;
  for (const char* text :
       {"0", "no", "False", "Nancy", "Nadia", "none of these", "N", "- --", "nan -nan", "null-safe Kotlin"})
    EXPECT_FALSE(IsAbsent(text)) << text;
}

TEST(ParseDate, TheDayThatIsWritten) {
  for (const char* text : {"2026-11-02",
                           " 2026-11-02 ",
                           "2026-11-02T08:00:00.000Z",
                           "2026-11-02 00:00:00",
                           "2026-11-02T23:59:59-08:00",
                           "2026-11-02t08:00Z",
                           "2026-11-02Z",
                           "2026-11-02+01:00",
                           "2026-11-02-08:00",
                           "2026/11/02",
                           "2026. 11. 02.",
                           "20261102",
                           "02.11.2026",
                           "2.11.2026",
                           "02.11.26",
                           "2. 11. 2026",
                           "02.11.2026 08:00",
                           "2 November 2026",
                           "Nov 2nd, 2026",
                           "2-Nov-26",
                           "2. November 2026",
                           "Mon, 02 Nov 2026",
                           "Mon, 02 Nov 2026 08:00:00 GMT",
                           "Mon Nov 02 2026 08:00:00 GMT+0100 (CET)",
                           "2 novembre 2026",
                           "1793577600",
                           "1793577600000",
                           "1793577600.0",
                           "1.7935776e12",
                           "1793577600000000000",
                           "46328",
                           "46328.5"})
    EXPECT_EQ(ParseDate(text), "2026-11-02") << text;
  EXPECT_EQ(ParseDate("2. M\u00E4rz 2026"), "2026-03-02");
  EXPECT_EQ(ParseDate("25/12/2026"), "2026-12-25");
  EXPECT_EQ(ParseDate("12/25/2026 12:00:00 AM"), "2026-12-25");
  EXPECT_EQ(ParseDate("11/11/2026"), "2026-11-11");
  EXPECT_EQ(ParseDate("02.11.99"), "1999-11-02");
  for (const char* text :
       {"", "yesterday", "3 days ago", "2026-02-30", "31.06.2026", "2026", "11.2026", "13/13/2026",
        "0000-00-00", "02-11-26", "2026-13-01", "Q4 2026", "-001-01-01", "55", "2 Foo 2026", "2026-11-02-03"})
    EXPECT_FALSE(ParseDate(text).has_value()) << text;
}

TEST(ParseDate, ADayOfTwoReadingsNeedsTheOrder) {
  EXPECT_FALSE(ParseDate("02/11/2026").has_value());
  EXPECT_TRUE(IsOfTwoDays("02/11/2026"));
  EXPECT_EQ(ParseDate("02/11/2026", DateOrder::kDayFirst), "2026-11-02");
  EXPECT_EQ(ParseDate("02/11/2026", DateOrder::kMonthFirst), "2026-02-11");
  // What the text proves counts before the file's order.
  EXPECT_EQ(ParseDate("25/12/2026", DateOrder::kMonthFirst), "2026-12-25");
}

RawPosting Row(const std::vector<std::pair<PostingColumn, std::string>>& values) {
  RawPosting row;
  for (const auto& [column, value] : values) EXPECT_FALSE(row.Offer(column, "c", value).has_value());
  return row;
}

TEST(StyleEvidence, ProofsCountBeforeHints) {
  StyleEvidence german;
  german.SeeDelimiter(';');
  EXPECT_EQ(german.Style().decimal, DecimalMark::kComma);
  EXPECT_EQ(german.Style().dates, DateOrder::kDayFirst);
  german.See(Row({{PostingColumn::kMinAmount, "55000.50"}}));
  EXPECT_EQ(german.Style().decimal, DecimalMark::kPoint);

  StyleEvidence swiss;
  swiss.See(Row({{PostingColumn::kDatePosted, "02.11.2026"}, {PostingColumn::kMaxAmount, "55'000.50"}}));
  EXPECT_EQ(swiss.Style().decimal, DecimalMark::kPoint);
  EXPECT_EQ(swiss.Style().dates, DateOrder::kDayFirst);

  StyleEvidence both;
  both.See(Row({{PostingColumn::kMinAmount, "1,5"}, {PostingColumn::kMaxAmount, "2.5"}}));
  EXPECT_EQ(both.Style().decimal, DecimalMark::kUnknown);
  EXPECT_EQ(StyleEvidence().Style({.decimal = DecimalMark::kComma}).decimal, DecimalMark::kComma);
}

// A file that was put together from several: a hint in one row must not decide what the file leaves open.
TEST(StyleEvidence, WhatIsProvedBothWaysStaysUnknownInEachRow) {
  StyleEvidence file;
  file.See(Row({{PostingColumn::kDatePosted, "25/12/2026"}, {PostingColumn::kMinAmount, "1.234,50"}}));
  file.See(Row({{PostingColumn::kDatePosted, "12/25/2026"}, {PostingColumn::kMinAmount, "1,234.50"}}));
  StyleEvidence row;
  row.See(Row({{PostingColumn::kIsRemote, "FALSCH"}}));
  EXPECT_EQ(row.Style(file.Style()).decimal, DecimalMark::kUnknown);
  row.See(Row({{PostingColumn::kMinAmount, "2,5"}}));
  EXPECT_EQ(row.Style(file.Style()).decimal, DecimalMark::kComma);
  EXPECT_EQ(row.Style(file.Style()).dates, DateOrder::kUnknown);
}

class SetPayTest : public testing::Test {
 protected:
  v1::Posting Pay(const char* low, const char* high, const char* currency, const char* interval,
                  FlatStyle style = {}) {
    notes_ = InputNotes();
    RawPosting row;
    const auto put = [&](PostingColumn column, const char* name, const char* value) {
      const bool set = *value == 0 || !row.Offer(column, name, value).has_value();
      EXPECT_TRUE(set);
    };
    put(PostingColumn::kMinAmount, "min_amount", low);
    put(PostingColumn::kMaxAmount, "max_amount", high);
    put(PostingColumn::kCurrency, "currency", currency);
    put(PostingColumn::kInterval, "interval", interval);
    v1::Posting posting;
    SetPay(row, {"f", 1}, style, notes_, posting);
    return posting;
  }

  InputNotes notes_;
};

// 55 euros a year are no pay, 55,000 an hour are none either: the interval tells what "55.000" means.
TEST_F(SetPayTest, TheIntervalDecidesBetweenTwoReadings) {
  EXPECT_EQ(Pay("55.000", "", "EUR", "yearly").min_amount(), 55000);
  EXPECT_EQ(Pay("4.500", "", "EUR", "monthly").min_amount(), 4500);
  EXPECT_EQ(Pay("55.000", "", "EUR", "hourly").min_amount(), 55);
  // Also where the file has the decimal comma: nobody gets 15,500 an hour.
  for (const DecimalMark decimal : {DecimalMark::kUnknown, DecimalMark::kComma})
    EXPECT_EQ(Pay("15.500", "", "EUR", "hourly", {.decimal = decimal}).min_amount(), 15.5);
  EXPECT_EQ(Pay("350.125", "", "EUR", "daily").min_amount(), 350.125);
  EXPECT_EQ(notes_.total(), 0);
  EXPECT_FALSE(Pay("55.000", "", "EUR", "").has_min_amount());
  EXPECT_EQ(notes_.total(), 1);
  EXPECT_EQ(Pay("55.000", "", "EUR", "", {.decimal = DecimalMark::kComma}).min_amount(), 55000);
  EXPECT_EQ(Pay("55,000", "", "EUR", "yearly", {.decimal = DecimalMark::kComma}).min_amount(), 55000);
}

TEST_F(SetPayTest, WhatCannotBePayIsLeftOutWithANote) {
  EXPECT_FALSE(Pay("55", "60", "EUR", "yearly").has_max_amount());
  EXPECT_EQ(notes_.total(), 2);
  EXPECT_FALSE(Pay("55.000", "", "EUR", "yearly", {.decimal = DecimalMark::kPoint}).has_min_amount());
  EXPECT_FALSE(Pay("120000", "", "USD", "hourly").has_min_amount());
  EXPECT_EQ(Pay("500000000", "", "IDR", "yearly").min_amount(), 5e8);
  EXPECT_EQ(Pay("60000000", "", "", "yearly").min_amount(), 6e7);
  EXPECT_FALSE(Pay("0", "0", "USD", "yearly").has_max_amount());
  EXPECT_EQ(notes_.total(), 0);
}

TEST_F(SetPayTest, AnIntervalThatIsNotUnderstoodMakesThePayUnknown) {
  const v1::Posting posting = Pay("50", "60", "EUR", "per project");
  EXPECT_FALSE(posting.has_min_amount() || posting.has_max_amount());
  EXPECT_EQ(posting.interval(), v1::SALARY_PERIOD_UNSPECIFIED);
  EXPECT_EQ(notes_.total(), 1);
}

TEST_F(SetPayTest, BiweeklyIs26TimesAYearAndSemiMonthly24) {
  const v1::Posting biweekly = Pay("2000", "2500", "USD", "biweekly");
  EXPECT_EQ(biweekly.interval(), v1::YEAR);
  EXPECT_EQ(biweekly.min_amount(), 52000);
  EXPECT_EQ(biweekly.max_amount(), 65000);
  EXPECT_EQ(Pay("2000", "", "USD", "semi-monthly").min_amount(), 48000);
}

TEST_F(SetPayTest, ASignCountsWhereTheColumnIsAbsentAndTheColumnWhereItIsThere) {
  EXPECT_EQ(Pay("\u00A340,000", "\u00A350,000", "", "yearly").currency(), "GBP");
  EXPECT_EQ(Pay("$40,000", "", "CAD", "yearly").currency(), "CAD");
  EXPECT_EQ(Pay("15.50 per hour", "", "GBP", "").interval(), v1::HOUR);
  EXPECT_FALSE(Pay("2000 a month", "30000 a year", "GBP", "").has_min_amount());
  EXPECT_FALSE(Pay("15.50 per hour", "", "GBP", "yearly").has_min_amount());
  EXPECT_EQ(Pay("40000", "", "kr", "yearly").currency(), "");
  EXPECT_EQ(notes_.total(), 1);
}

TEST_F(SetPayTest, EndsAreInOrder) {
  const v1::Posting posting = Pay("60000", "50000", "EUR", "yearly");
  EXPECT_EQ(posting.min_amount(), 50000);
  EXPECT_EQ(posting.max_amount(), 60000);
  const v1::Posting open = Pay("50000", "0", "EUR", "yearly");
  EXPECT_EQ(open.min_amount(), 50000);
  EXPECT_FALSE(open.has_max_amount());
  EXPECT_FALSE(Pay("0", "50000", "EUR", "yearly").has_min_amount());
  EXPECT_FALSE(Pay("0", "", "EUR", "yearly").has_min_amount());
  EXPECT_FALSE(Pay("", "0", "EUR", "").has_max_amount());
  EXPECT_EQ(notes_.total(), 0);
}

}  // namespace
}  // namespace sluice
