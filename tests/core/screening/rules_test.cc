// What each kind of rule answers, trap by trap.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/core/screening/screening_testing.h"

namespace sluice {
namespace {

bool Mentions(const std::string& term, const std::string& text) {
  return StateOf(TermsCondition{.any_of = {term}}, WithText(text)) == Ternary::kSatisfied;
}

// Terms are whole words: what other tools find inside of words is not there.
TEST(TermsRuleTest, MatchesWholeWordsOnly) {
  EXPECT_FALSE(Mentions("CTO", "You report to our direCTOr."));
  EXPECT_FALSE(Mentions("java", "JavaScript and TypeScript"));
  EXPECT_FALSE(Mentions("ios", "Curiosity is welcome."));
  EXPECT_FALSE(Mentions("intern", "International and internal clients"));
  EXPECT_FALSE(Mentions("C", "C++ and C#"));
  EXPECT_FALSE(Mentions("node", "Node.js"));
  EXPECT_TRUE(Mentions("java", "Java, Kotlin"));
  EXPECT_TRUE(Mentions("java", "Java/Kotlin"));
  EXPECT_TRUE(Mentions("C++", "C++20? No: C++."));
  EXPECT_TRUE(Mentions(".net", "We use .NET."));
  EXPECT_TRUE(Mentions("L&D", "our L&D budget"));
  EXPECT_TRUE(Mentions("CI/CD", "CI/CD pipelines"));
}

// "Rust" in "Zero Trust" is no Rust.
TEST(TermsRuleTest, RustIsNotInZeroTrust) {
  EXPECT_FALSE(Mentions("rust", "Zero Trust security"));
  EXPECT_TRUE(Mentions("zero trust", "Zero  Trust security"));
}

TEST(TermsRuleTest, MatchesPhrasesPrefixesAndStems) {
  EXPECT_TRUE(Mentions("machine learning", "Machine\nLearning"));
  EXPECT_FALSE(Mentions("machine learning", "machine-made learning"));
  EXPECT_TRUE(Mentions("kube*", "Kubernetes"));
  EXPECT_FALSE(Mentions("kube", "Kubernetes"));
  EXPECT_FALSE(Mentions("manage team", "managing teams"));
  EXPECT_EQ(StateOf(TermsCondition{.any_of = {"manage team"}, .stem = true}, WithText("managing teams")),
            Ternary::kSatisfied);
}

TEST(TermsRuleTest, CombinesAnyAllAndNone) {
  const TermsCondition condition{.any_of = {"c++", "rust"}, .all_of = {"linux"}, .none_of = {"php"}};
  EXPECT_EQ(StateOf(condition, WithText("Rust on Linux")), Ternary::kSatisfied);
  EXPECT_EQ(StateOf(condition, WithText("Go on Linux")), Ternary::kViolated);
  EXPECT_EQ(StateOf(condition, WithText("Rust on macOS")), Ternary::kViolated);
  EXPECT_EQ(StateOf(condition, WithText("Rust and PHP on Linux")), Ternary::kViolated);
}

// A denied mention does not count when the profile asks for that.
TEST(TermsRuleTest, IgnoresDeniedMentions) {
  const TermsCondition java{.any_of = {"java"}, .ignore_negated = true};
  for (const char* denied :
       {"No Java required", "You do not need any Java", "without Java", "You don't need Java",
        "Java is not required", "Java is a plus", "Java would be nice to have"}) {
    EXPECT_EQ(StateOf(java, WithText(denied)), Ternary::kViolated) << denied;
  }
  for (const char* meant : {"Java required", "No nonsense. Java is our language", "Not only Java but Go",
                            "No Java here. We want Java"}) {
    EXPECT_EQ(StateOf(java, WithText(meant)), Ternary::kSatisfied) << meant;
  }
}

TEST(TermsRuleTest, ReadsOnlyItsFields) {
  const Posting posting = WithText("We like Java", "Rust Engineer");
  EXPECT_EQ(Ask(TermsCondition{.any_of = {"java"}}, posting, {Field::kTitle}).state, Ternary::kViolated);
  const RuleResult rust = Ask(TermsCondition{.any_of = {"rust"}}, posting, {Field::kTitle});
  EXPECT_EQ(rust.state, Ternary::kSatisfied);
  ASSERT_EQ(rust.evidence.size(), 1u);
  EXPECT_EQ(rust.evidence[0].field, "title");
  EXPECT_EQ(rust.evidence[0].quote, "Rust");
  EXPECT_EQ(Ask(TermsCondition{.any_of = {"berlin"}}, posting, {Field::kLocation}).state, Ternary::kUnknown);
}

TEST(RegexRuleTest, MatchesAndQuotes) {
  const RuleResult found =
      Ask(RegexCondition{.pattern = "24\\s?/\\s?7"}, WithText("Größe zählt. On call 24 / 7."));
  EXPECT_EQ(found.state, Ternary::kSatisfied);
  EXPECT_EQ(found.evidence.at(0).quote, "24 / 7");
  EXPECT_EQ(StateOf(RegexCondition{.pattern = "ON CALL", .case_sensitive = true}, WithText("on call")),
            Ternary::kViolated);
}

// A pattern that makes backtracking engines hang takes linear time.
TEST(RegexRuleTest, NeverBacktracks) {
  EXPECT_EQ(StateOf(RegexCondition{.pattern = "(a+)+$"}, WithText(std::string(200'000, 'a') + "b")),
            Ternary::kViolated);
}

std::string PayIn(const std::string& text) {
  const RuleResult result = Ask(SalaryCondition{.at_least = 1}, WithText(text));
  return result.evidence.empty() ? "none" : result.evidence[0].normalised;
}

// amount × currency × period, however they are written.
TEST(SalaryRuleTest, ReadsPayFromText) {
  EXPECT_EQ(PayIn("Pay: €45 per hour."), "EUR 45/hour = 102,960 USD/year");
  EXPECT_EQ(PayIn("€22.50-€27.00/hr."), "EUR 22.50–27/hour = 51,480–61,776 USD/year");
  EXPECT_EQ(PayIn("Salary: $130,000 - $169,000 per year."), "USD 130,000–169,000/year");
  EXPECT_EQ(PayIn("Compensation $186k–$242k."), "USD 186,000–242,000/year");
  EXPECT_EQ(PayIn("Salary 80-100K EUR"), "EUR 80,000–100,000/year = 88,000–110,000 USD/year");
  EXPECT_EQ(PayIn("You earn between 60 and 70k € a year"), "EUR 60,000–70,000/year = 66,000–77,000 USD/year");
  EXPECT_EQ(PayIn("Gehalt: 65.000,50 EUR brutto pro Jahr"), "EUR 65,000.50/year = 71,500.55 USD/year");
  EXPECT_EQ(PayIn("Salary CHF 110'000 to 130'000 p.a."),
            "CHF 110,000–130,000/year = 123,200–145,600 USD/year");
  EXPECT_EQ(PayIn("$12,150 to $13,950 per month."), "USD 12,150–13,950/month = 145,800–167,400 USD/year");
  EXPECT_EQ(PayIn("Day rate: £500"), "GBP 500/day = 165,100 USD/year");
  EXPECT_EQ(PayIn("Pay: $1,200 a week"), "USD 1,200/week = 62,400 USD/year");
  EXPECT_EQ(PayIn("Monthly salary CA$5,000"), "CAD 5,000/month = 43,800 USD/year");
}

// Money that is not pay.
TEST(SalaryRuleTest, IgnoresOtherMoney) {
  for (const char* text : {"Competitive salary.", "Last year we donated $25,000 to local charities.",
                           "We manage assets of $2,000,000.", "A referral bonus of $1,500 is paid.",
                           "Relocation support up to €5,000 per year.", "We raised $40M in our series B.",
                           "Salary: 60,000 per year", "Salary grows 5% per year"}) {
    EXPECT_EQ(PayIn(text), "none") << text;
  }
  EXPECT_EQ(PayIn("Pay range USD 38,000 to 44,000 annually. A referral bonus of $1,500 is paid."),
            "USD 38,000–44,000/year");
  EXPECT_EQ(PayIn("Annual salary $116k. Equity worth up to $20,000 vests over four years."),
            "USD 116,000/year");
  EXPECT_EQ(PayIn("Salary $100,000 plus a $10,000 sign-on bonus"), "USD 100,000/year");
}

// The top of the range counts unless the rule says the bottom.
TEST(SalaryRuleTest, ComparesTheChosenEnd) {
  const Posting posting = WithText("Salary: $60,000 - $80,000 per year");
  EXPECT_EQ(StateOf(SalaryCondition{.at_least = 70'000}, posting), Ternary::kSatisfied);
  EXPECT_EQ(StateOf(SalaryCondition{.at_least = 70'000, .compare_bottom = true}, posting),
            Ternary::kViolated);
  EXPECT_EQ(StateOf(SalaryCondition{.at_most = 70'000}, posting), Ternary::kViolated);
  EXPECT_EQ(StateOf(SalaryCondition{.at_least = 80'001}, posting), Ternary::kViolated);
}

// An open range is unknown where its missing end would decide.
TEST(SalaryRuleTest, OpenRangesStayOpen) {
  EXPECT_EQ(StateOf(SalaryCondition{.at_least = 70'000}, WithText("Salary from $60,000 a year")),
            Ternary::kUnknown);
  EXPECT_EQ(StateOf(SalaryCondition{.at_least = 50'000}, WithText("Salary from $60,000 a year")),
            Ternary::kSatisfied);
  EXPECT_EQ(StateOf(SalaryCondition{.at_least = 70'000}, WithText("Salary up to $60,000 a year")),
            Ternary::kViolated);
}

// Dollars are not compared with euros, and an unknown currency with nothing.
TEST(SalaryRuleTest, ConvertsCurrencies) {
  const Posting posting = WithText("Salary: €55,000 per year.");
  EXPECT_EQ(StateOf(SalaryCondition{.at_least = 60'000}, posting), Ternary::kSatisfied);
  EXPECT_EQ(StateOf(SalaryCondition{.at_least = 60'000, .currency = "EUR"}, posting), Ternary::kViolated);
  EXPECT_EQ(StateOf(SalaryCondition{.at_least = 5'000, .period = SalaryPeriod::kMonth}, posting),
            Ternary::kSatisfied);
  Posting unknown;
  unknown.title = "Engineer";
  unknown.max_amount = 90'000;
  unknown.interval = SalaryPeriod::kYear;
  unknown.currency = "XTS";
  EXPECT_EQ(StateOf(SalaryCondition{.at_least = 1}, unknown), Ternary::kUnknown);
  unknown.currency = "";
  EXPECT_EQ(StateOf(SalaryCondition{.at_least = 1}, unknown), Ternary::kUnknown);
}

// Structured fields win over the text.
TEST(SalaryRuleTest, StructuredFieldsWin) {
  Posting posting = WithText("Salary: $200,000 per year");
  posting.min_amount = 50;
  posting.max_amount = 60;
  posting.currency = "EUR";
  posting.interval = SalaryPeriod::kHour;
  const RuleResult result = Ask(SalaryCondition{.at_least = 150'000}, posting);
  EXPECT_EQ(result.state, Ternary::kViolated);
  EXPECT_EQ(result.evidence.at(0).field, "max_amount");
  EXPECT_EQ(result.evidence.at(0).normalised, "EUR 50–60/hour = 114,400–137,280 USD/year");
}

std::string PlaceOf(const std::string& text, const std::string& title = "Engineer",
                    const std::string& location = "") {
  Posting posting = WithText(text, title);
  posting.location = location;
  for (const auto& [place, name] : {std::pair(WorkPlace::kRemote, "remote"),
                                    {WorkPlace::kHybrid, "hybrid"},
                                    {WorkPlace::kOnsite, "onsite"}}) {
    if (StateOf(WorkPlaceCondition{{place}}, posting) == Ternary::kSatisfied) return name;
  }
  return "unknown";
}

TEST(WorkPlaceRuleTest, ReadsTheText) {
  EXPECT_EQ(PlaceOf("This is a fully remote position."), "remote");
  EXPECT_EQ(PlaceOf("Work from anywhere: 100% remote."), "remote");
  EXPECT_EQ(PlaceOf("You can work from home every day."), "remote");
  EXPECT_EQ(PlaceOf("Hybrid working: two days a week in the office."), "hybrid");
  EXPECT_EQ(PlaceOf("Three days a week in the office, the rest from home."), "hybrid");
  EXPECT_EQ(PlaceOf("A mix of home and office."), "hybrid");
  EXPECT_EQ(PlaceOf("Two remote days per week."), "hybrid");
  EXPECT_EQ(PlaceOf("This position is on-site."), "onsite");
  EXPECT_EQ(PlaceOf("You work in our office five days a week."), "onsite");
  EXPECT_EQ(PlaceOf("Good coffee.", "Engineer", "Remote (Berlin, Germany)"), "remote");
}

// A denial is read before the word it denies.
TEST(WorkPlaceRuleTest, NotRemoteIsNotRemote) {
  EXPECT_EQ(PlaceOf("Not Remote."), "onsite");
  EXPECT_EQ(PlaceOf("This is not a remote position."), "onsite");
  EXPECT_EQ(PlaceOf("On-site work is required; remote work is not available."), "onsite");
  EXPECT_EQ(PlaceOf("Working remotely is not possible."), "onsite");
  EXPECT_EQ(PlaceOf("Good coffee.", "Engineer (not remote)"), "onsite");
}

// Words that mean something else say nothing of the work place.
TEST(WorkPlaceRuleTest, OtherMeaningsDoNotCount) {
  for (const char* text :
       {"Train technicians in remote sensing.", "Solve problems with remote access and servers.",
        "Some travel to remote sites may be needed.", "Design hybrid cars and hybrid cloud systems.",
        "Free lunch in the on-site canteen.", "Conduct remote inspections on-site at customers.",
        "Our sales colleagues work remotely; this team does not.", "Conduct home visits."}) {
    EXPECT_EQ(PlaceOf(text), "unknown") << text;
  }
}

// is_remote wins; false leaves open whether hybrid or on site.
TEST(WorkPlaceRuleTest, StructuredFieldWins) {
  Posting posting = WithText("This position is on-site.");
  posting.is_remote = true;
  EXPECT_EQ(StateOf(WorkPlaceCondition{{WorkPlace::kRemote}}, posting), Ternary::kSatisfied);
  posting = WithText("Good coffee.");
  posting.is_remote = false;
  EXPECT_EQ(StateOf(WorkPlaceCondition{{WorkPlace::kRemote}}, posting), Ternary::kViolated);
  EXPECT_EQ(StateOf(WorkPlaceCondition{{WorkPlace::kHybrid}}, posting), Ternary::kUnknown);
  EXPECT_EQ(StateOf(WorkPlaceCondition{{WorkPlace::kHybrid, WorkPlace::kOnsite}}, posting),
            Ternary::kSatisfied);
}

Ternary InCountry(const std::string& location, const std::string& country) {
  Posting posting = WithText("Good coffee.");
  posting.location = location;
  return StateOf(LocationCondition{.countries = {country}}, posting);
}

TEST(LocationRuleTest, KnowsCountriesStatesAndCities) {
  for (const auto& [location, country] : {std::pair("Austin, TX", "US"),
                                          {"Denver, Colorado", "US"},
                                          {"Austin, TX 78701", "US"},
                                          {"Toronto, ON, CA", "CA"},
                                          {"San Francisco, CA", "US"},
                                          {"Dublin, OH", "US"},
                                          {"Dublin, Ireland", "IE"},
                                          {"Berlin, DE", "DE"},
                                          {"Wilmington, DE", "US"},
                                          {"München", "DE"},
                                          {"London, UK", "GB"},
                                          {"New York City", "US"},
                                          {"Portland, OR", "US"},
                                          {"Atlanta, Georgia", "US"},
                                          {"Tbilisi, Georgia", "GE"},
                                          {"Bangalore, IN", "IN"},
                                          {"Berlin or Vienna", "AT"},
                                          {"Boston, United States", "US"}}) {
    EXPECT_EQ(InCountry(location, country), Ternary::kSatisfied) << location;
  }
  EXPECT_EQ(InCountry("Paris, TX", "FR"), Ternary::kViolated);
  EXPECT_EQ(InCountry("Somewhere warm", "FR"), Ternary::kUnknown);
  EXPECT_EQ(InCountry("", "FR"), Ternary::kUnknown);
}

// A word is found by its stem also where the two begin otherwise.
TEST(TermsRuleTest, FindsStemsThatBeginOtherwise) {
  for (const auto& [term, text] : {std::pair("die", "dying"),
                                   {"lying", "lie"},
                                   {"engineer", "Engineering"},
                                   {"sky", "skies"},
                                   {"happy", "happily"}}) {
    EXPECT_EQ(StateOf(TermsCondition{.any_of = {term}, .stem = true},
                      WithText(absl::StrCat("Good ", text, "."), "x")),
              StateOf(TermsCondition{.any_of = {text}, .stem = true},
                      WithText(absl::StrCat("Good ", term, "."), "x")))
        << term;
  }
  EXPECT_EQ(StateOf(TermsCondition{.any_of = {"die"}, .stem = true}, WithText("Good dying.", "x")),
            Ternary::kSatisfied);
  EXPECT_EQ(StateOf(TermsCondition{.any_of = {"dying"}, .stem = true}, WithText("They die.", "x")),
            Ternary::kSatisfied);
}

TEST(LocationRuleTest, MatchesPlacesAsPhrases) {
  Posting posting = WithText("Good coffee.");
  posting.location = "Greater London Area";
  EXPECT_EQ(StateOf(LocationCondition{.places = {"london"}}, posting), Ternary::kSatisfied);
  EXPECT_EQ(StateOf(LocationCondition{.places = {"lond"}}, posting), Ternary::kViolated);
}

// A fully remote posting's location does not count, not even for a rule that fails on the unknown.
TEST(LocationRuleTest, DoesNotApplyToFullyRemotePostings) {
  Posting posting = WithText("This is a fully remote position.");
  posting.location = "Austin, TX";
  Rule rule = Must(LocationCondition{.countries = {"DE"}});
  rule.on_unknown = OnUnknown::kFail;
  EXPECT_FALSE(SummaryOf(*ScreenerOf({rule}), posting).vetoed);
  EXPECT_EQ(StateOf(LocationCondition{.countries = {"DE"}, .also_remote = true}, posting),
            Ternary::kViolated);
}

std::string LevelOf(const std::string& title, const std::string& text = "") {
  constexpr const char* kNames[] = {"intern", "junior", "mid", "senior", "lead"};
  for (int i = 0; i < 5; ++i) {
    if (StateOf(SeniorityCondition{{static_cast<Seniority>(i)}}, WithText(text, title)) ==
        Ternary::kSatisfied)
      return kNames[i];
  }
  return "unknown";
}

TEST(SeniorityRuleTest, ReadsTheTitle) {
  EXPECT_EQ(LevelOf("Senior Engineer"), "senior");
  EXPECT_EQ(LevelOf("Sr. Engineer"), "senior");
  EXPECT_EQ(LevelOf("Entry-Level Team Member"), "junior");
  EXPECT_EQ(LevelOf("Software Engineering Intern"), "intern");
  EXPECT_EQ(LevelOf("Lead Specialist III"), "lead");
  EXPECT_EQ(LevelOf("Mid-Level Developer"), "mid");
}

// Other meanings and parts of words are no level.
TEST(SeniorityRuleTest, OtherMeaningsDoNotCount) {
  EXPECT_EQ(LevelOf("International Sales"), "unknown");
  EXPECT_EQ(LevelOf("Lead Generation Specialist"), "unknown");
  EXPECT_EQ(LevelOf("Senior Living Cook"), "unknown");
  EXPECT_EQ(
      LevelOf("Engineer", "You report to a senior director. Errors lead to losses. Lead regular meetings."),
      "unknown");
  EXPECT_EQ(LevelOf("Engineer", "You will deal with international clients and the internal audit team."),
            "unknown");
}

TEST(SeniorityRuleTest, ReadsTheTextWhenTheTitleIsSilent) {
  EXPECT_EQ(LevelOf("Engineer", "Requirements: Seniority: senior. Degree."), "senior");
  EXPECT_EQ(LevelOf("Engineer", "This is an entry-level position."), "junior");
  EXPECT_EQ(LevelOf("Engineer", "This is an internship."), "intern");
  EXPECT_EQ(LevelOf("Engineer", "You will lead a team of five."), "lead");
  EXPECT_EQ(LevelOf("Junior Engineer", "This is a senior position."), "junior");
}

TEST(RecencyRuleTest, CountsDaysToAsOf) {
  Posting posting = WithText("");
  posting.date_posted = absl::CivilDay(2026, 1, 1);
  EXPECT_EQ(StateOf(RecencyCondition{14}, posting), Ternary::kSatisfied);
  EXPECT_EQ(StateOf(RecencyCondition{13}, posting), Ternary::kViolated);
  posting.date_posted.reset();
  EXPECT_EQ(StateOf(RecencyCondition{14}, posting), Ternary::kUnknown);
}

TEST(CompanyRuleTest, LegalFormsDoNotCount) {
  Posting posting = WithText("");
  posting.company = "LARKSPUR Holdings, Inc.";
  EXPECT_EQ(StateOf(CompanyCondition{{"Larkspur Holdings GmbH & Co. KG"}}, posting), Ternary::kSatisfied);
  EXPECT_EQ(StateOf(CompanyCondition{{"Larkspur"}}, posting), Ternary::kViolated);
  posting.company = "";
  EXPECT_EQ(StateOf(CompanyCondition{{"Larkspur"}}, posting), Ternary::kUnknown);
}

}  // namespace
}  // namespace sluice
