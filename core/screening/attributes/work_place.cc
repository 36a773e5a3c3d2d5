#include "core/screening/attributes/work_place.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "core/text/word_beginnings.h"

namespace sluice {
namespace {

using Words = absl::flat_hash_set<absl::string_view>;

enum class Cue { kNone, kDenied, kHybrid, kOnsite, kRemote };

// Behind "remote": the work place is meant.
const Words& RemoteNouns() {
  static const auto* const kWords = new Words{
      "position",   "role",     "job",     "work",    "working",   "opportunity", "first",     "only",
      "employment", "contract", "vacancy", "ok",      "friendly",  "eligible",    "possible",  "available",
      "option",     "setup",    "team",    "company", "within",    "anywhere",    "worldwide", "or",
      "us",         "eu",       "usa",     "uk",      "candidates"};
  return *kWords;
}

// Before "remote": the work place is meant.
const Words& RemoteHeralds() {
  static const auto* const kWords =
      new Words{"fully", "100",       "completely", "entirely", "permanently", "location",
                "is",    "workplace", "place",      "totally",  "all",         "being"};
  return *kWords;
}

// Behind "hybrid": the work place is meant, and no cloud, car or heat pump.
const Words& HybridNouns() {
  static const auto* const kWords =
      new Words{"role",    "position", "job",    "work",      "working",     "schedule", "arrangement",
                "model",   "setup",    "set-up", "workplace", "office",      "policy",   "remote",
                "or",      "team",     "with",   "basis",     "opportunity", "mode",     "home",
                "pattern", "format",   "way",    "week",      "from",        "in",       "at"};
  return *kWords;
}

// Behind "on-site": the work place is meant.
const Words& OnsiteNouns() {
  static const auto* const kWords =
      new Words{"work",       "working",    "position", "role",     "job",         "only",  "presence",
                "attendance", "employment", "required", "vacancy",  "opportunity", "every", "daily",
                "full-time",  "five",       "5",        "location", "basis"};
  return *kWords;
}

const Words& OnsiteHeralds() {
  static const auto* const kWords =
      new Words{"is", "are",        "fully",    "100",   "work",  "working",  "location", "workplace",
                "be", "completely", "entirely", "place", "based", "strictly", "only"};
  return *kWords;
}

// Of the words at which CueAt finds anything.
const WordBeginnings& WorkPlaceCueBeginnings() {
  static const auto* const kBeginnings =
      new WordBeginnings({"anywhere", "hybrid", "home", "in-person", "non-remote", "on", "on-site", "onsite",
                          "office", "premises", "remote", "telecommute", "telework", "wfh"});
  return *kBeginnings;
}

class WorkPlaceReader {
 public:
  explicit WorkPlaceReader(const ScannedText& text) : text_(text) {}

  // The strongest cue, and where it stands.
  Cue Read(Span* span) const {
    constexpr Cue kStrongestFirst[] = {Cue::kDenied, Cue::kHybrid, Cue::kRemote, Cue::kOnsite};
    Cue best = Cue::kNone;
    auto rank = [&](Cue cue) {
      return std::find(std::begin(kStrongestFirst), std::end(kStrongestFirst), cue);
    };
    const WordBeginnings& cues = WorkPlaceCueBeginnings();
    for (int at = 0; at < Count(); ++at) {
      const Cue cue = cues.MayBegin(text_.word(at)) ? CueAt(at) : Cue::kNone;
      if (cue == Cue::kNone || (best != Cue::kNone && rank(cue) >= rank(best))) continue;
      best = cue;
      const int from = std::max(0, at - (cue == Cue::kDenied ? 2 : 1));
      const int begin = SameSentence(from, at) ? from : at;
      const int end = at + 1 < Count() && SameSentence(at, at + 1) ? at + 1 : at;
      *span = {"text", text_.words[begin].begin, text_.words[end].end};
    }
    return best;
  }

 private:
  int Count() const { return static_cast<int>(text_.words.size()); }
  absl::string_view At(int index) const {
    return index >= 0 && index < Count() ? text_.word(index) : absl::string_view();
  }

  bool SameSentence(int first, int last) const {
    const absl::string_view between =
        absl::string_view(text_.lowered)
            .substr(text_.words[first].end, text_.words[last].begin - text_.words[first].end);
    return between.find_first_of("\n;!?") == absl::string_view::npos && !absl::StrContains(between, ". ");
  }

  // Whether one of `words` stands at most `reach` words from `at` in the same sentence.
  bool Near(int at, int from, int to, const Words& words) const {
    for (int i = std::max(0, at + from); i <= std::min(Count() - 1, at + to); ++i) {
      if (i != at && words.contains(At(i)) && SameSentence(std::min(i, at), std::max(i, at))) return true;
    }
    return false;
  }

  Cue CueAt(int at) const {
    const absl::string_view word = At(at);
    switch (word[0]) {
      case 'a':
        return word == "anywhere" && At(at - 1) == "from" && Near(at, -3, -2, {"work", "working", "works"})
                   ? Remote(at)
                   : Cue::kNone;
      case 'h':
        if (word == "hybrid") return HybridAt(at);
        if (word == "home-based" || word == "home-office" || word == "homeoffice") return Remote(at);
        if (word == "home" && At(at + 1) == "and" && At(at + 2) == "office") return Cue::kHybrid;
        if (word == "home" && (At(at - 1) == "from" || At(at + 1) == "office")) return HomeAt(at);
        return Cue::kNone;
      case 'i':
        return (word == "in-person" || word == "in-office") ? OnsiteAt(at) : Cue::kNone;
      case 'n':
        return word == "non-remote" ? Cue::kDenied : Cue::kNone;
      case 'o':
        return OfficeAt(at);
      case 'p':
        return word == "premises" &&
                       Near(at, -5, -1, {"work", "working", "done", "based", "job", "role", "position"})
                   ? Cue::kOnsite
                   : Cue::kNone;
      case 'r':
        return word == "remote" || word == "remotely" || word == "remote-first" || word == "remote-only"
                   ? RemoteAt(at)
                   : Cue::kNone;
      case 't':
        return absl::StartsWith(word, "telecommut") || absl::StartsWith(word, "telework") ? Remote(at)
                                                                                          : Cue::kNone;
      case 'w':
        return word == "wfh" ? Remote(at) : Cue::kNone;
      default:
        return Cue::kNone;
    }
  }

  bool Denied(int at) const {
    static const auto* const kBefore =
        new Words{"not", "no", "non", "never", "cannot", "without", "isn", "neither"};
    static const auto* const kAfter = new Words{"not", "cannot", "isn", "impossible", "unavailable", "no"};
    const bool not_only = At(at - 1) == "only" && At(at - 2) == "not";
    return !not_only && (Near(at, -4, -1, *kBefore) || Near(at, 1, 4, *kAfter));
  }

  // "Our sales colleagues work remotely; this team does not."
  bool SpeaksOfOthers(int at) const {
    return Near(at, -4, -1,
                {"colleagues", "customers", "clients", "users", "employees", "teams", "patients", "others"});
  }

  bool MixedWithOffice(int at) const {
    return Near(at, -8, 8, {"office", "on-site", "onsite", "site"}) &&
           Near(at, -10, 10,
                {"days", "day", "week", "mix", "partly", "rest", "split", "combine", "combination"});
  }

  Cue Remote(int at) const {
    if (SpeaksOfOthers(at)) return Cue::kNone;
    if (Denied(at)) return Cue::kDenied;
    return MixedWithOffice(at) ? Cue::kHybrid : Cue::kRemote;
  }

  Cue RemoteAt(int at) const {
    if (Near(at, -1, -1, {"partly", "partially", "occasionally", "sometimes"})) return Cue::kHybrid;
    if (At(at) != "remote") {
      const bool work = At(at) != "remotely" || Near(at, -4, 4,
                                                     {"work", "working", "works", "done", "performed", "job",
                                                      "role", "position", "carried", "based", "perform"});
      return work ? Remote(at) : Cue::kNone;
    }
    const absl::string_view next = At(at + 1), before = At(at - 1);
    if (next == "days" || next == "day" || before == "days") return Cue::kHybrid;
    const bool ends = at + 1 == Count() || !SameSentence(at, at + 1);
    const bool begins = at == 0 || !SameSentence(at - 1, at);
    const absl::string_view tail = absl::string_view(text_.lowered).substr(text_.words[at].end);
    const bool bracket = absl::StartsWith(tail, " (") || absl::StartsWith(tail, ")") ||
                         absl::StartsWith(tail, " |") || absl::StartsWith(tail, " -") ||
                         absl::StartsWith(tail, ",") || absl::StartsWith(tail, " –");
    const bool herald = RemoteHeralds().contains(before) && (before != "is" || ends || bracket);
    const bool noun = RemoteNouns().contains(next);
    const bool alone = ends && (begins || herald || before == "not" || before == "or" || before == "/");
    const bool at_head = bracket && (begins || Near(at, -1, -1, {"|"}) || HeadedByBar(at));
    if (!(herald || noun || alone || at_head)) return Cue::kNone;
    return Remote(at);
  }

  // "Acme | Remote (Berlin)"
  bool HeadedByBar(int at) const {
    const absl::string_view before = absl::string_view(text_.lowered).substr(0, text_.words[at].begin);
    return absl::EndsWith(before, "| ") || absl::EndsWith(before, "(") || absl::EndsWith(before, "- ");
  }

  Cue HomeAt(int at) const {
    if (Near(at, -8, 8, {"hospice", "nursing", "care", "patients", "safe", "address", "delivery"}))
      return Cue::kNone;
    if (Denied(at)) return Cue::kDenied;
    const bool some = Near(at, -8, 8, {"days", "day", "week", "partly", "sometimes", "occasionally", "half"});
    const bool all =
        Near(at, -8, 8, {"every", "all", "each", "full-time", "100", "permanently", "always", "fully"});
    return some && !all ? Cue::kHybrid : Remote(at);
  }

  Cue HybridAt(int at) const {
    const absl::string_view tail = absl::string_view(text_.lowered).substr(text_.words[at].end);
    const bool ends = at + 1 == Count() || !SameSentence(at, at + 1) ||
                      tail.substr(0, 2).find_first_of("),(:|-") != absl::string_view::npos;
    if (!ends && !HybridNouns().contains(At(at + 1))) return Cue::kNone;
    return Near(at, -3, -1, {"not", "no"}) ? Cue::kNone : Cue::kHybrid;
  }

  Cue OnsiteAt(int at) const {
    const bool ends = at + 1 == Count() || !SameSentence(at, at + 1);
    const bool begins = at == 0 || !SameSentence(at - 1, at);
    const bool meant = OnsiteNouns().contains(At(at + 1)) || (OnsiteHeralds().contains(At(at - 1)) && ends) ||
                       (ends && begins);
    if (!meant || Near(at, -3, -1, {"not", "no"})) return Cue::kNone;
    return MixedWithDays(at) ? Cue::kHybrid : Cue::kOnsite;
  }

  // "three days in the office", but not "five"
  bool MixedWithDays(int at) const {
    static const auto* const kFew =
        new Words{"1", "2", "3", "4", "one", "two", "three", "four", "once", "twice"};
    static const auto* const kDays = new Words{"day", "days", "week", "times"};
    return Near(at, -6, 6, *kFew) && Near(at, -6, 6, *kDays);
  }

  Cue OfficeAt(int at) const {
    const absl::string_view word = At(at);
    if (word == "onsite" || word == "on-site") return OnsiteAt(at);
    if (word == "on" && At(at + 1) == "site") return MixedWithDays(at) ? Cue::kHybrid : Cue::kNone;
    if (word == "office-based" || word == "on-premises") return Cue::kOnsite;
    if (word != "office" || !Near(at, -3, -1, {"in", "at", "from", "the", "our"})) return Cue::kNone;
    if (MixedWithDays(at)) return Cue::kHybrid;
    static const auto* const kAllDays =
        new Words{"every", "five", "5", "daily", "all", "always", "full-time", "fully"};
    const bool all = Near(at, -6, 6, *kAllDays) &&
                     Near(at, -6, 6, {"day", "days", "daily", "week", "work", "time", "full-time"});
    return all ? Cue::kOnsite : Cue::kNone;
  }

  const ScannedText& text_;
};

WorkPlaceReading ReadingOf(Cue cue, const Span& span) {
  WorkPlaceReading reading;
  reading.remote = cue == Cue::kRemote;
  reading.hybrid = cue == Cue::kHybrid;
  reading.onsite = cue == Cue::kOnsite || cue == Cue::kDenied;
  reading.span = span;
  return reading;
}

}  // namespace

std::optional<WorkPlaceReading> ReadWorkPlace(const Posting& posting, const ScannedText& text,
                                              const ScannedText& location) {
  if (posting.is_remote == true) return WorkPlaceReading{true, false, false, {"is_remote"}};
  Span span;
  Cue cue = WorkPlaceReader(text).Read(&span);
  if (cue == Cue::kNone) {
    cue = WorkPlaceReader(location).Read(&span);
    span.field = "location";
  }
  if (posting.is_remote == false) {
    if (cue == Cue::kHybrid || cue == Cue::kOnsite || cue == Cue::kDenied) return ReadingOf(cue, span);
    return WorkPlaceReading{false, true, true, {"is_remote"}};
  }
  if (cue == Cue::kNone) return std::nullopt;
  return ReadingOf(cue, span);
}

}  // namespace sluice
