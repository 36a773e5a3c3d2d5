#include "client/cpp/command/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "client/cpp/formats/written_date.h"
#include "core/base/status_macros.h"

#ifndef SLUICE_VERSION
#define SLUICE_VERSION "unknown"
#endif

namespace sluice {
namespace {

constexpr int kMaxTop = 1'000'000;

const std::map<std::string, v1::Gate::Policy> kPolicies = {{"volume", v1::Gate::VOLUME},
                                                           {"fixed", v1::Gate::FIXED},
                                                           {"all", v1::Gate::ALL},
                                                           {"rules_only", v1::Gate::RULES_ONLY}};
const std::map<std::string, v1::Gate::Preference> kPreferences = {
    {"quality", v1::Gate::QUALITY}, {"balanced", v1::Gate::BALANCED}, {"speed", v1::Gate::SPEED}};
const std::map<std::string, Arrivals> kArrivals = {{"poisson", Arrivals::kPoisson},
                                                   {"fixed", Arrivals::kFixed}};
const std::map<std::string, LoadTarget> kTargets = {{"embed", LoadTarget::kEmbed},
                                                    {"batches", LoadTarget::kBatches}};
const std::map<std::string, v1::Truncation> kTruncations = {
    {"end", v1::TRUNCATION_END}, {"start", v1::TRUNCATION_START}, {"error", v1::TRUNCATION_ERROR}};

// What the flags are parsed into before their values are understood.
struct Words {
  CommandLine line;
  ScreenFlags screen;
  EmbedFlags embed;
  BatchesFlags batches;
  HardwareFlags hardware;
  LoadFlags load;
  ArchiveFlags archive;
  std::vector<std::string> labels;
  std::string title;
  std::string document;  // of archive page
  std::string target = "embed";
  std::string arrivals = "poisson";
  std::string words = "16:70,64:25,200:5";
  std::string sweep = "1";
  double duration_seconds = 10;
  double deadline_ms = 2000;
  std::string gate = "volume";
  std::string preference = "balanced";
  std::optional<double> threshold;
  std::string as_of;
  std::string truncate = "end";
};

template <typename Value>
CLI::IsMember OneOf(const std::map<std::string, Value>& values) {
  std::vector<std::string> names;
  for (const auto& [name, value] : values) names.push_back(name);
  return CLI::IsMember(names);
}

void AddResultFlags(CLI::App& app, std::optional<int>& top, std::string& output, bool& json) {
  app.add_option("--top", top, "Show this many, best first (default: 20 in a table, all with --json)")
      ->envname("SLUICE_TOP")
      ->check(CLI::Range(1, kMaxTop));
  app.add_option("--output", output, "Write every verdict to this file as JSON lines")
      ->envname("SLUICE_OUTPUT");
  app.add_flag("--json", json, "Verdicts as JSON lines on standard output")->envname("SLUICE_JSON");
}

void AddScreen(CLI::App& root, Words& words) {
  CLI::App& app = *root.add_subcommand("screen", "Screen postings against a profile and rank them");
  app.add_option("--profile", words.screen.profile, "Profile in YAML or JSON")
      ->envname("SLUICE_PROFILE")
      ->required();
  app.add_option("--jobs", words.screen.jobs,
                 "Postings: JSON lines, CSV, schema.org JobPosting as JSON or in a page")
      ->envname("SLUICE_JOBS")
      ->required()
      ->take_all();
  app.add_option("--preference", words.preference, "quality, balanced or speed")
      ->envname("SLUICE_PREFERENCE")
      ->check(OneOf(kPreferences));
  app.add_option("--gate", words.gate, "Who goes on to the model: volume, fixed, all or rules_only")
      ->envname("SLUICE_GATE")
      ->check(OneOf(kPolicies));
  app.add_option("--threshold", words.threshold,
                 "Probability from which a posting goes on; with --gate=fixed")
      ->envname("SLUICE_THRESHOLD")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--as-of", words.as_of, "Day that ages count from, YYYY-MM-DD (default: now)")
      ->envname("SLUICE_AS_OF");
  app.add_flag("--ignore-unknown-columns", words.screen.ignore_unknown_columns,
               "Leave out columns that are not known")
      ->envname("SLUICE_IGNORE_UNKNOWN_COLUMNS");
  app.add_flag("--skip-bad", words.screen.skip_bad,
               "Go on without postings that cannot be used; name the first ten, count them and exit with 1")
      ->envname("SLUICE_SKIP_BAD");
  AddResultFlags(app, words.screen.top, words.screen.output, words.screen.json);
}

void AddEmbed(CLI::App& root, Words& words) {
  CLI::App& app = *root.add_subcommand("embed", "Turn texts into vectors");
  app.add_option("--input", words.embed.input,
                 "JSON lines or CSV with \"text\", a JSON list, or one text a line")
      ->envname("SLUICE_INPUT")
      ->required();
  app.add_option("--output", words.embed.output, "NumPy file: float32 [texts, dimensions]")
      ->envname("SLUICE_OUTPUT")
      ->required();
  app.add_option("--truncate", words.truncate,
                 "What to cut off a text over the model's limit: end, start, or error")
      ->envname("SLUICE_TRUNCATE")
      ->check(OneOf(kTruncations));
  app.add_flag("--ignore-unknown-columns", words.embed.ignore_unknown_columns,
               "Leave out fields other than id and text")
      ->envname("SLUICE_IGNORE_UNKNOWN_COLUMNS");
}

void AddBatches(CLI::App& root, Words& words) {
  using Action = BatchesFlags::Action;
  CLI::App& app = *root.add_subcommand("batches", "Look after batches on the server");
  app.require_subcommand(1);
  const auto add = [&](const char* name, Action action, const char* help) -> CLI::App& {
    CLI::App& verb = *app.add_subcommand(name, help);
    verb.parse_complete_callback([&words, action] { words.batches.action = action; });
    if (action != Action::kList)
      verb.add_option("batch", words.batches.name, "Its name, with or without batches/")->required();
    return verb;
  };
  const auto with_json = [&](CLI::App& verb) {
    verb.add_flag("--json", words.batches.json, "As JSON")->envname("SLUICE_JSON");
  };
  with_json(add("ls", Action::kList, "List batches, newest first"));
  with_json(add("get", Action::kGet, "Show one"));
  add("watch", Action::kWatch, "Show progress until it ends");
  AddResultFlags(add("results", Action::kResults, "Wait for it to end and show its ranked results"),
                 words.batches.top, words.batches.output, words.batches.json);
  add("cancel", Action::kCancel, "Start none of its jobs any more");
  add("delete", Action::kDelete, "Purge a finished one with all its data");
}

void AddArchiveFlags(CLI::App& add, Words& words) {
  ArchiveFlags& archive = words.archive;
  add.add_option("--profile", archive.profile, "quality (default), fast, quick or text-only")
      ->envname("SLUICE_ARCHIVE_PROFILE")
      ->check(CLI::IsMember(std::vector<std::string>{"quality", "fast", "quick", "text-only"}));
  add.add_option("--books-at-once", archive.books_at_once, "Books in work at once (default: the profile's)")
      ->envname("PARALLEL_JOBS")
      ->check(CLI::Range(0, 64));
  add.add_option("--password-file", archive.password_file, "File with the password of encrypted documents");
  add.add_flag("!--no-wait", archive.wait, "Do not wait until the documents are in the library");
  add.add_flag("--dry-run", archive.dry_run, "Say what would be done, and do nothing");
}

void AddArchive(CLI::App& root, Words& words) {
  using Action = ArchiveFlags::Action;
  CLI::App& app = *root.add_subcommand("archive", "Keep documents in a library of pages");
  app.require_subcommand(1);
  ArchiveFlags& archive = words.archive;
  const auto add = [&](const char* name, Action action, const char* help) -> CLI::App& {
    CLI::App& verb = *app.add_subcommand(name, help);
    verb.parse_complete_callback([&words, action] { words.archive.action = action; });
    return verb;
  };
  const auto with_names = [&](CLI::App& verb, const char* help) {
    verb.add_option("documents", archive.names, help)->required();
  };
  const auto with_json = [&](CLI::App& verb) {
    verb.add_flag("--json", archive.json, "As JSON")->envname("SLUICE_JSON");
  };
  const auto with_labels = [&](CLI::App& verb, const char* help) {
    verb.add_option("--label", words.labels, help)->take_all();
  };
  constexpr const char* kDocument = "Its source, or its name documents/{id}";

  CLI::App& adding = add("add", Action::kAdd, "Add files, and the files in directories");
  with_names(adding, "Files and directories");
  AddArchiveFlags(adding, words);
  with_labels(adding, "KEY=VALUE, for all of them");
  with_json(adding);
  CLI::App& listing = add("ls", Action::kList, "List documents, by source");
  with_labels(listing, "KEY=VALUE: only documents that have it");
  with_json(listing);
  CLI::App& showing = add("show", Action::kShow, "Show one: pages, what they lack, headings");
  with_names(showing, kDocument);
  with_json(showing);
  CLI::App& page = add("page", Action::kPage, "Show a page's text");
  page.add_option("document", words.document, kDocument)->required();
  page.add_option("number", archive.page, "Of the page, from 1")->required()->check(CLI::Range(1, 1'000'000));
  page.add_option("--picture", archive.picture, "Write the page as PNG to this file");
  page.add_flag("--boxes", archive.boxes, "With kinds and places of its blocks");
  with_json(page);
  CLI::App& retry = add("retry", Action::kRetry, "Read the pages that failed again");
  with_names(retry, kDocument);
  retry.add_flag("!--no-wait", archive.wait, "Do not wait for it");
  with_json(retry);
  with_names(add("rm", Action::kRemove, "Remove documents for good, with all their pages"), kDocument);
  CLI::App& set = add("set", Action::kSet, "Give a document another title or other labels");
  with_names(set, kDocument);
  set.add_option("--title", words.title, "Its title");
  with_labels(set, "KEY=VALUE; those given are all it has then");
  add("profiles", Action::kProfiles, "Show the archive profiles");
  CLI::App& exporting = add("export", Action::kExport, "Write documents' text");
  with_names(exporting, kDocument);
  exporting.add_option("--format", archive.format, "md or jsonl")
      ->check(CLI::IsMember(std::vector<std::string>{"md", "jsonl"}));
  exporting.add_option("--output", archive.output, "File to write (default: standard output)");
}

void AddLoad(CLI::App& root, Words& words) {
  CLI::App& app = *root.add_subcommand(
      "load", "Call Embed or CreateBatch at a rate, whatever the server answers, and time it");
  LoadFlags& load = words.load;
  app.add_option("--rate", load.rate, "Calls a second (default: what a closed loop manages first)")
      ->check(CLI::Range(0.001, 1e6));
  app.add_option("--duration", words.duration_seconds, "Seconds of a step")->check(CLI::Range(0.1, 86'400.0));
  app.add_option("--sweep", words.sweep, "Multiples of the rate, a step each: 1,2,5");
  app.add_option("--arrivals", words.arrivals, "poisson or fixed")->check(OneOf(kArrivals));
  app.add_option("--words", words.words, "Mix of text lengths, WORDS:WEIGHT,…");
  app.add_option(
         "--target", words.target,
         "embed, or batches: of --texts postings each, timed until they are durable; they stay behind")
      ->check(OneOf(kTargets));
  app.add_option("--texts", load.shape.texts_per_call, "Texts in a call, or jobs in a batch")
      ->check(CLI::Range(1, 1024));
  app.add_option("--deadline-ms", words.deadline_ms, "Of a call, from when it is due")
      ->check(CLI::Range(1.0, 3'600'000.0));
  app.add_option("--max-in-flight", load.shape.max_in_flight, "Calls; one due beyond is counted as not sent")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--connections", load.connections, "Connections the calls are spread over")
      ->check(CLI::Range(1, 1024));
  app.add_option("--capacity-in-flight", load.capacity_in_flight,
                 "Calls kept running to measure the capacity")
      ->check(CLI::Range(1, 100'000));
  app.add_option("--seed", load.shape.seed, "Of arrivals and texts");
  app.add_flag("--json", load.json, "A JSON object a step");
  for (CLI::Option* option :
       app.get_options([](const CLI::Option* each) { return each->get_name() != "--help"; })) {
    const std::string name = absl::StrReplaceAll(option->get_single_name(), {{"-", "_"}});
    option->envname(absl::StrCat("SLUICE_", absl::AsciiStrToUpper(name)));
  }
}

void AddAll(CLI::App& app, Words& words) {
  app.set_version_flag("--version", std::string("sluice " SLUICE_VERSION));
  app.require_subcommand(1);
  app.add_option("--server", words.line.server, "HOST:PORT or unix:/path (default: 127.0.0.1:7070)")
      ->envname("SLUICE_SERVER");
  app.add_flag("--local", words.line.local, "Start a server of one's own for the time being")
      ->envname("SLUICE_LOCAL");
  AddScreen(app, words);
  AddEmbed(app, words);
  AddBatches(app, words);
  AddArchive(app, words);
  AddLoad(app, words);
  CLI::App* const hardware = app.add_subcommand("hardware", "Show what the server runs on, and why");
  CLI::Option* const json =
      hardware->add_flag("--json", words.hardware.json, "As JSON")->envname("SLUICE_JSON");
  CLI::Option* const self_test =
      hardware
          ->add_flag(
              "--self-test", words.hardware.self_test,
              "Check every device and precision of this machine against fp32 on its processor; no server")
          ->excludes(json);
  hardware->add_option("--model", words.hardware.model, "Model directory of the self-test [SLUICE_MODEL]")
      ->needs(self_test);
}

bool Given(const std::vector<std::string>& arguments, absl::string_view flag) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
    return argument == flag || absl::StartsWith(argument, absl::StrCat(flag, "="));
  });
}

// What is said on the command line wins over the environment.
absl::Status ChooseServer(const std::vector<std::string>& arguments, CommandLine& line) {
  if (!line.local || !Given(arguments, "--server")) return absl::OkStatus();
  if (Given(arguments, "--local"))
    return absl::InvalidArgumentError("--local and --server exclude each other");
  line.local = false;
  return absl::OkStatus();
}

absl::Status UnderstandScreen(const Words& words, ScreenFlags& screen) {
  screen.gate.set_policy(kPolicies.at(words.gate));
  screen.gate.set_preference(kPreferences.at(words.preference));
  const bool fixed = screen.gate.policy() == v1::Gate::FIXED;
  if (fixed != words.threshold.has_value()) {
    return absl::InvalidArgumentError(fixed ? "--gate=fixed needs --threshold"
                                            : "--threshold goes with --gate=fixed only");
  }
  if (fixed) screen.gate.set_threshold(*words.threshold);
  if (words.as_of.empty()) return absl::OkStatus();
  absl::CivilDay day;
  const std::optional<std::string> date = ParseIsoDate(words.as_of);
  if (!date.has_value() || !absl::ParseCivilTime(*date, &day)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--as-of: '", words.as_of, "' is not a date as YYYY-MM-DD"));
  }
  screen.as_of = day;
  return absl::OkStatus();
}

absl::Status UnderstandLoad(const Words& words, LoadFlags& load) {
  load.shape.target = kTargets.at(words.target);
  load.shape.arrivals = kArrivals.at(words.arrivals);
  load.shape.duration = absl::Seconds(words.duration_seconds);
  load.shape.deadline = absl::Milliseconds(words.deadline_ms);
  absl::StatusOr<std::vector<TextLength>> lengths = ParseTextLengths(words.words);
  if (!lengths.ok()) return absl::InvalidArgumentError(absl::StrCat("--words: ", lengths.status().message()));
  load.shape.lengths = *std::move(lengths);
  absl::StatusOr<std::vector<double>> sweep = ParseMultiples(words.sweep);
  if (!sweep.ok()) return absl::InvalidArgumentError(absl::StrCat("--sweep: ", sweep.status().message()));
  load.sweep = *std::move(sweep);
  return absl::OkStatus();
}

absl::Status UnderstandArchive(const Words& words, const CLI::App& app, ArchiveFlags& archive) {
  if (!words.document.empty()) archive.names = {words.document};
  for (const std::string& label : words.labels) {
    const size_t equals = label.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(absl::StrCat("--label: '", label, "' is not KEY=VALUE"));
    }
    archive.labels[label.substr(0, equals)] = label.substr(equals + 1);
  }
  if (archive.action != ArchiveFlags::Action::kSet) return absl::OkStatus();
  if (app.get_subcommand("archive")->get_subcommand("set")->count("--title") > 0) archive.title = words.title;
  if (archive.title.has_value() || !archive.labels.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("archive set needs --title or --label");
}

absl::StatusOr<ParsedCommandLine> Understand(const CLI::App& app, Words words) {
  if (app.got_subcommand("screen")) {
    SLUICE_RETURN_IF_ERROR(UnderstandScreen(words, words.screen));
    words.line.command = std::move(words.screen);
  } else if (app.got_subcommand("embed")) {
    words.embed.truncation = kTruncations.at(words.truncate);
    words.line.command = std::move(words.embed);
  } else if (app.got_subcommand("batches")) {
    std::string& name = words.batches.name;
    if (!name.empty() && !absl::StartsWith(name, "batches/")) name = "batches/" + name;
    words.line.command = std::move(words.batches);
  } else if (app.got_subcommand("archive")) {
    SLUICE_RETURN_IF_ERROR(UnderstandArchive(words, app, words.archive));
    words.line.command = std::move(words.archive);
  } else if (app.got_subcommand("load")) {
    SLUICE_RETURN_IF_ERROR(UnderstandLoad(words, words.load));
    words.line.command = std::move(words.load);
  } else {
    words.line.command = words.hardware;
  }
  return ParsedCommandLine(std::move(words.line));
}

}  // namespace

absl::StatusOr<ParsedCommandLine> ParseCommandLine(const std::vector<std::string>& arguments) {
  CLI::App app("Screens job postings on a Sluice server", "sluice");
  Words words;
  AddAll(app, words);
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    return ParsedCommandLine(app.help());
  } catch (const CLI::CallForAllHelp&) {
    return ParsedCommandLine(app.help("", CLI::AppFormatMode::All));
  } catch (const CLI::CallForVersion& version) {
    return ParsedCommandLine(absl::StrCat(version.what(), "\n"));
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(absl::StrCat(error.what(), " (sluice --help says more)"));
  }
  SLUICE_RETURN_IF_ERROR(ChooseServer(arguments, words.line));
  return Understand(app, std::move(words));
}

}  // namespace sluice
