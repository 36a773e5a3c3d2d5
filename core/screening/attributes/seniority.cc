#include "core/screening/attributes/seniority.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "core/text/word_beginnings.h"

namespace sluice {
namespace {

using Words = absl::flat_hash_set<absl::string_view>;
using Levels = absl::flat_hash_map<absl::string_view, Seniority>;

const Levels& LevelWords() {
  static const auto* const kLevels = new Levels{{"intern", Seniority::kIntern},
                                                {"internship", Seniority::kIntern},
                                                {"trainee", Seniority::kIntern},
                                                {"traineeship", Seniority::kIntern},
                                                {"apprentice", Seniority::kIntern},
                                                {"apprenticeship", Seniority::kIntern},
                                                {"praktikant", Seniority::kIntern},
                                                {"praktikum", Seniority::kIntern},
                                                {"werkstudent", Seniority::kIntern},
                                                {"junior", Seniority::kJunior},
                                                {"jr", Seniority::kJunior},
                                                {"entry-level", Seniority::kJunior},
                                                {"junior-level", Seniority::kJunior},
                                                {"early-career", Seniority::kJunior},
                                                {"mid", Seniority::kMid},
                                                {"mid-level", Seniority::kMid},
                                                {"mid-senior", Seniority::kMid},
                                                {"intermediate", Seniority::kMid},
                                                {"medior", Seniority::kMid},
                                                {"mid-career", Seniority::kMid},
                                                {"senior", Seniority::kSenior},
                                                {"sr", Seniority::kSenior},
                                                {"snr", Seniority::kSenior},
                                                {"senior-level", Seniority::kSenior},
                                                {"lead", Seniority::kLead},
                                                {"principal", Seniority::kLead},
                                                {"lead-level", Seniority::kLead}};
  return *kLevels;
}

// Behind a level word in a title: another meaning ("Lead Generation", "Senior Living", "Intermediate
// School").
bool IsAnotherMeaning(Seniority level, absl::string_view next) {
  static const auto* const kLead =
      new Words{"generation", "gen",       "paint",         "abatement", "time",   "to",         "poisoning",
                "acid",       "nurturing", "qualification", "mine",      "mining", "management", "/"};
  static const auto* const kSenior = new Words{"living",  "citizen", "citizens", "care", "center", "centre",
                                               "housing", "homes",   "adults",   "high", "s"};
  static const auto* const kMid = new Words{"school", "schools", "care", "goods", "atlantic", "west"};
  if (level == Seniority::kLead) return kLead->contains(next);
  if (level == Seniority::kSenior) return kSenior->contains(next);
  return level == Seniority::kMid && kMid->contains(next);
}

// Of the words at which Body finds anything.
const WordBeginnings& SeniorityCueBeginnings() {
  static const auto* const kBeginnings = [] {
    auto* const beginnings =
        new WordBeginnings({"entry", "head", "leading", "career", "graduates", "beginners", "early"});
    for (const auto& [word, level] : LevelWords()) beginnings->Add(word);
    return beginnings;
  }();
  return *kBeginnings;
}

class SeniorityReader {
 public:
  explicit SeniorityReader(const ScannedText& text) : text_(text) {}

  // The first of the title's words, interns before the rest ("Senior Intern" is an intern).
  std::optional<SeniorityReading> Title() const {
    std::optional<SeniorityReading> found;
    for (int at = 0; at < Count(); ++at) {
      const std::optional<Seniority> level = LevelAt(at);
      if (!level.has_value() || IsAnotherMeaning(*level, At(at + 1))) continue;
      if (!found.has_value() || *level == Seniority::kIntern)
        found = SeniorityReading{*level, SpanOf(at, at)};
    }
    return found;
  }

  std::optional<SeniorityReading> Body() const {
    const WordBeginnings& cues = SeniorityCueBeginnings();
    for (int at = 0; at < Count(); ++at) {
      if (!cues.MayBegin(text_.word(at))) continue;
      if (const auto led = LeadsTeamAt(at)) return led;
      if (const auto begins = BeginsCareerAt(at)) return begins;
      const std::optional<Seniority> level = LevelAt(at);
      if (!level.has_value() || !SpeaksOfThePosition(at)) continue;
      return SeniorityReading{*level, SpanOf(at, LastOfLevel(at))};
    }
    return std::nullopt;
  }

 private:
  int Count() const { return static_cast<int>(text_.words.size()); }
  absl::string_view At(int index) const {
    return index >= 0 && index < Count() ? text_.word(index) : absl::string_view();
  }
  Span SpanOf(int first, int last) const { return {"text", text_.words[first].begin, text_.words[last].end}; }

  std::optional<Seniority> LevelAt(int at) const {
    if (At(at) == "entry" && At(at + 1) == "level") return Seniority::kJunior;
    if (At(at) == "head" && At(at + 1) == "of") return Seniority::kLead;
    const auto found = LevelWords().find(At(at));
    if (found == LevelWords().end()) return std::nullopt;
    return found->second;
  }
  int LastOfLevel(int at) const { return At(at + 1) == "level" ? at + 1 : at; }

  bool AdjacentSentence(int left, int right) const {
    if (left < 0 || right >= Count()) return false;
    const absl::string_view between =
        absl::string_view(text_.lowered)
            .substr(text_.words[left].end, text_.words[right].begin - text_.words[left].end);
    return between.find_first_of("\n;!?") == absl::string_view::npos && !absl::StrContains(between, ". ");
  }

  bool SpeaksOfThePosition(int at) const { return AfterLabel(at) || BeforePosition(at) || SoughtAs(at); }

  // "Seniority: senior", "Level - mid", "experience level: entry level"
  bool AfterLabel(int at) const {
    static const auto* const kLabels = new Words{"seniority", "level", "grade", "career-level", "stage"};
    if (!AdjacentSentence(at - 1, at)) return false;
    if (kLabels->contains(At(at - 1)) && !Others(at - 1)) {
      const absl::string_view gap =
          absl::string_view(text_.lowered)
              .substr(text_.words[at - 1].end, text_.words[at].begin - text_.words[at - 1].end);
      return gap.find_first_of(":-=") != absl::string_view::npos;
    }
    return At(at - 1) == "is" && kLabels->contains(At(at - 2));
  }

  // "a senior position", "entry-level role", "This is an internship"
  bool BeforePosition(int at) const {
    static const auto* const kPosition = new Words{
        "position", "role", "job", "opening", "opportunity", "post", "vacancy", "appointment", "placement"};
    const int last = LastOfLevel(at);
    const bool position = kPosition->contains(At(last + 1)) && AdjacentSentence(last, last + 1);
    if (position) return !Others(at);
    const bool article = At(at - 1) == "a" || At(at - 1) == "an";
    const bool is = article && (At(at - 2) == "is" || At(at - 2) == "as" || At(at - 2) == "offer");
    const bool noun = absl::EndsWith(At(at), "ship") || absl::EndsWith(At(at), "intern");
    return is && noun && AdjacentSentence(at - 2, at);
  }

  // "We are looking for a senior developer", "at senior level"
  bool SoughtAs(int at) const {
    const bool article = At(at - 1) == "a" || At(at - 1) == "an";
    if (article &&
        (At(at - 2) == "for" || At(at - 2) == "seek" || At(at - 2) == "seeking" || At(at - 2) == "hiring")) {
      const bool sought = At(at - 2) != "for" || At(at - 3) == "looking" || At(at - 3) == "searching";
      return sought && AdjacentSentence(at - 3, at);
    }
    const bool at_level = At(at + 1) == "level" || absl::EndsWith(At(at), "-level");
    const bool placed =
        At(at - 1) == "at" || (article && (At(at - 2) == "at" || At(at - 2) == "on")) || At(at - 1) == "the";
    return at_level && placed && !Others(at) && AdjacentSentence(at - 1, at);
  }

  // "reports to", "work with", "support", "mentor": someone else's level
  bool Others(int at) const {
    static const auto* const kOthers =
        new Words{"report",     "reports", "reporting", "with",      "alongside", "support",
                  "supporting", "assist",  "mentor",    "mentoring", "under",     "manage",
                  "supervise",  "train",   "coach",     "interact",  "fill"};
    for (int i = at - 1; i >= std::max(0, at - 4) && AdjacentSentence(i, i + 1); --i) {
      if (kOthers->contains(At(i))) return true;
    }
    return false;
  }

  // "You will lead a team of five", not "lead to" and not a task's "lead teams"
  std::optional<SeniorityReading> LeadsTeamAt(int at) const {
    const absl::string_view word = At(at);
    if (word != "lead" && word != "head" && word != "leading") return std::nullopt;
    const bool you = At(at - 1) == "will" || At(at - 1) == "you" || At(at - 1) == "ll" || At(at - 2) == "you";
    const bool a_team =
        (At(at + 1) == "a" || At(at + 1) == "the" || At(at + 1) == "our" || At(at + 1) == "your") &&
        (At(at + 2) == "team" || At(at + 2) == "group" || At(at + 3) == "team" || At(at + 2) == "department");
    if (!you || !a_team || !AdjacentSentence(at, at + 1)) return std::nullopt;
    return SeniorityReading{Seniority::kLead, SpanOf(at, At(at + 2) == "team" ? at + 2 : at + 1)};
  }

  std::optional<SeniorityReading> BeginsCareerAt(int at) const {
    const bool starter = At(at) == "career" && (At(at + 1) == "starter" || At(at + 1) == "starters");
    const bool graduates =
        (At(at) == "graduates" || At(at) == "beginners") && (At(at - 1) == "for" || At(at - 1) == "recent");
    const bool early = At(at) == "early" && At(at + 1) == "career";
    if (!starter && !graduates && !early) return std::nullopt;
    return SeniorityReading{Seniority::kJunior, SpanOf(at, at)};
  }

  const ScannedText& text_;
};

}  // namespace

std::optional<SeniorityReading> ReadSeniority(const ScannedText& title, const ScannedText& text) {
  if (std::optional<SeniorityReading> reading = SeniorityReader(title).Title()) {
    reading->span.field = "title";
    return reading;
  }
  return SeniorityReader(text).Body();
}

const char* SeniorityName(Seniority level) {
  constexpr const char* kNames[] = {"intern", "junior", "mid", "senior", "lead"};
  return kNames[static_cast<int>(level)];
}

}  // namespace sluice
