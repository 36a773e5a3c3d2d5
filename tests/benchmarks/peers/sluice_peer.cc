// sluice_peer: Sluice as one more worker of compare.py, which drives it through its standard input.
//
//   sluice_peer in_process MODEL_DIR    the model as the server loads it, without gRPC
//   sluice_peer server HOST:PORT        a running server, through Embed
//
// Says {"layouts": …, "batches": false, "setup": …, "precision": …} once warm, or {"unavailable": why}; then
// answers each line LAYOUT<tab>-<tab>TEXTS_FILE<tab>VECTORS_FILE with {"seconds": …}, from text to vector. A
// text is a line, vectors are raw float32. The layout "one by one" is there for scenarios.py and not among
// those that it offers.
#include <algorithm>
#include <atomic>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cpp/client.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "core/base/notification.h"
#include "core/base/status_macros.h"
#include "core/base/thread.h"
#include "core/base/thread_pool.h"
#include "nlohmann/json.hpp"
#include "prometheus/registry.h"
#include "server/model.h"

namespace sluice {
namespace {

using Texts = std::vector<std::string>;

constexpr char kInCalls[] = "calls of 64, 4 in flight";
constexpr char kAtOnce[] = "all queued at once";
constexpr char kOneByOne[] = "one by one";

struct Calls {
  size_t texts = 64;
  int in_flight = 4;
};

struct Setup {
  std::string precision;
  int replicas = 0;
  int threads = 0;  // of each
};

class Peer {
 public:
  virtual ~Peer() = default;
  virtual std::vector<std::string> Layouts() const { return {kInCalls}; }
  virtual Setup setup() const = 0;
  virtual int dimensions() const = 0;
  // Row-major into `vectors`, which is long enough. Thread-safe.
  virtual absl::Status Call(absl::Span<const std::string> texts, float* vectors) = 0;
  virtual absl::Status AtOnce(const Texts&, float*) { return absl::UnimplementedError(kAtOnce); }
};

// The first error of many threads.
class FirstError {
 public:
  void Note(const absl::Status& status) {
    MutexLock lock(mutex_);
    status_.Update(status);
  }
  absl::Status status() const {
    MutexLock lock(mutex_);
    return status_;
  }

 private:
  mutable Mutex mutex_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

absl::Status InCalls(Peer& peer, Calls calls, const Texts& texts, float* vectors) {
  std::atomic<size_t> next{0};
  FirstError error;
  std::vector<Thread> callers;
  for (int i = 0; i < calls.in_flight; ++i) {
    callers.emplace_back("caller", [&] {
      for (size_t begin; (begin = next.fetch_add(calls.texts)) < texts.size();) {
        error.Note(peer.Call(absl::MakeConstSpan(texts).subspan(begin, calls.texts),
                             vectors + begin * static_cast<size_t>(peer.dimensions())));
      }
    });
  }
  for (Thread& caller : callers) caller.Join();
  return error.status();
}

class InProcess final : public Peer {
 public:
  static absl::StatusOr<std::unique_ptr<Peer>> Load(const std::string& directory) {
    std::unique_ptr<InProcess> peer(new InProcess());
    const Hardware hardware = DetectHardware();
    SLUICE_ASSIGN_OR_RETURN(const TierChoice tier, ChooseTier(hardware, peer->source_->Devices(), {}));
    SLUICE_ASSIGN_OR_RETURN(peer->calls_, ThreadPool::Create({.name = "front", .num_threads = 2}));
    SLUICE_ASSIGN_OR_RETURN(peer->tokenizing_, ThreadPool::Create({.name = "work",
                                                                   .num_threads = hardware.cores,
                                                                   .max_queued_closures = 1 << 20,
                                                                   .priority = ThreadPriority::kBackground}));
    SLUICE_ASSIGN_OR_RETURN(peer->model_, Model::Load({.model_directory = directory,
                                                       .tier = tier,
                                                       .bf16_instructions = HasBf16Instructions(hardware)},
                                                      *peer->source_,
                                                      {.executor = peer->calls_.get(),
                                                       .clock = &Clock::Real(),
                                                       .metrics = &peer->metrics_,
                                                       .cache = nullptr}));  // every text is encoded
    return peer;
  }

  std::vector<std::string> Layouts() const override { return {kAtOnce, kInCalls}; }
  int dimensions() const override { return model_->description().dimensions; }

  Setup setup() const override {
    const std::vector<ReplicaStatus> replicas = model_->Replicas();
    return {PrecisionName(replicas[0].encoder.precision), static_cast<int>(replicas.size()),
            model_->tier().threads_per_replica};
  }

  absl::Status Call(absl::Span<const std::string> texts, float* vectors) override {
    EmbedCall call{.texts = {texts.begin(), texts.end()}, .truncation = Truncation::kEnd};
    Notification answered;
    absl::Status status;
    model_->embedder().Embed(std::move(call), [&](absl::StatusOr<EmbedAnswer> answer) {
      status = answer.status();
      if (answer.ok()) std::copy(answer->vectors.begin(), answer->vectors.end(), vectors);
      answered.Notify();
    });
    answered.Wait();
    return status;
  }

  absl::Status AtOnce(const Texts& texts, float* vectors) override {
    FirstError error;
    std::atomic<size_t> left{texts.size()};
    Notification all_done;
    const auto end_one = [&](const absl::Status& status) {
      error.Note(status);
      if (--left == 0) all_done.Notify();
    };
    for (size_t i = 0; i < texts.size(); ++i) {
      float* const row = vectors + i * static_cast<size_t>(dimensions());
      if (!tokenizing_->TrySchedule([&, i, row] { Submit(texts[i], row, end_one); })) {
        end_one(absl::ResourceExhaustedError("more texts than the tokenizing threads may have waiting"));
      }
    }
    all_done.Wait();
    return error.status();
  }

 private:
  InProcess() = default;

  template <typename End>
  void Submit(const std::string& text, float* row, const End& end) {
    absl::StatusOr<TokenSequence> tokens =
        model_->tokenizer().Encode(text, model_->description().max_tokens, Truncation::kEnd);
    if (!tokens.ok()) return end(tokens.status());
    EncodeWork work{.tokens = std::move(tokens->ids), .patient = true};
    work.done = [row, &end](absl::StatusOr<std::vector<float>> vector) {
      if (vector.ok()) std::copy(vector->begin(), vector->end(), row);
      end(vector.status());
    };
    const absl::Status submitted = model_->scheduler().Submit(std::move(work));
    if (!submitted.ok()) end(submitted);
  }

  prometheus::Registry registry_;
  ServiceMetrics metrics_{registry_};
  std::unique_ptr<EncoderSource> source_ = MakeEncoderSource();
  std::unique_ptr<ThreadPool> calls_;
  std::unique_ptr<ThreadPool> tokenizing_;
  std::unique_ptr<Model> model_;
};

class OfServer final : public Peer {
 public:
  static absl::StatusOr<std::unique_ptr<Peer>> Connect(const std::string& address) {
    std::unique_ptr<OfServer> peer(new OfServer());
    SLUICE_ASSIGN_OR_RETURN(peer->client_, Client::Connect({.address = address}));
    SLUICE_ASSIGN_OR_RETURN(peer->server_, peer->client_->GetServer());
    if (peer->server_.replicas().empty())
      return absl::FailedPreconditionError("the server runs without a model");
    return peer;
  }

  int dimensions() const override { return server_.model().dimensions(); }

  Setup setup() const override {
    return {server_.replicas(0).precision(), server_.replicas_size(), server_.replicas(0).threads()};
  }

  absl::Status Call(absl::Span<const std::string> texts, float* vectors) override {
    v1::EmbedRequest request;
    for (const std::string& text : texts) request.add_texts(text);
    request.set_truncation(v1::TRUNCATION_END);
    request.set_encoding(v1::FLOAT32);
    SLUICE_ASSIGN_OR_RETURN(const v1::EmbedResponse response, client_->Embed(request));
    std::copy(response.vectors().begin(), response.vectors().end(), reinterpret_cast<char*>(vectors));
    return absl::OkStatus();
  }

 private:
  OfServer() = default;

  std::unique_ptr<Client> client_;
  v1::Server server_;
};

absl::Status Encode(Peer& peer, const std::string& layout, const Texts& texts, float* vectors) {
  if (layout == kAtOnce) return peer.AtOnce(texts, vectors);
  if (layout == kInCalls) return InCalls(peer, {}, texts, vectors);
  if (layout == kOneByOne) return InCalls(peer, {.texts = 1, .in_flight = 1}, texts, vectors);
  return absl::InvalidArgumentError(absl::StrCat("no layout ", layout));
}

Texts ReadLines(const std::string& path) {
  std::ifstream in(path);
  Texts texts;
  for (std::string line; std::getline(in, line);) texts.push_back(std::move(line));
  return texts;
}

nlohmann::json Unavailable(const absl::Status& status) {
  return {{"unavailable", status.ToString()}};
}

nlohmann::json About(const Peer& peer) {
  const Setup setup = peer.setup();
  return {{"layouts", peer.Layouts()},
          {"batches", false},
          {"precision", setup.precision},
          {"setup", absl::StrCat(setup.precision, ", replicas: ", setup.replicas,
                                 ", threads of each: ", setup.threads)}};
}

nlohmann::json Answer(Peer& peer, const std::string& line) {
  const std::vector<std::string> words = absl::StrSplit(line, '\t');
  if (words.size() != 4) {
    return Unavailable(absl::InvalidArgumentError("expected a layout, a batch size and two files"));
  }
  const Texts texts = ReadLines(words[2]);
  std::vector<float> vectors(texts.size() * static_cast<size_t>(peer.dimensions()));
  const absl::Duration begin = Clock::Real().MonotonicNow();
  const absl::Status status = Encode(peer, words[0], texts, vectors.data());
  const absl::Duration took = Clock::Real().MonotonicNow() - begin;
  if (!status.ok()) return Unavailable(status);
  std::ofstream(words[3], std::ios::binary)
      .write(reinterpret_cast<const char*>(vectors.data()),
             static_cast<std::streamsize>(vectors.size() * sizeof(float)));
  return {{"seconds", absl::ToDoubleSeconds(took)}};
}

void Say(const nlohmann::json& what) {
  std::cout << what.dump() << std::endl;
}

int Main(int argc, char** argv) {
  const std::string kind = argc == 3 ? argv[1] : "";
  if (kind != "in_process" && kind != "server") {
    std::cerr << "usage: " << argv[0] << " in_process MODEL_DIR | server HOST:PORT" << std::endl;
    return 2;
  }
  const auto peer = kind == "server" ? OfServer::Connect(argv[2]) : InProcess::Load(argv[2]);
  if (!peer.ok()) {
    Say(Unavailable(peer.status()));
    return 1;
  }
  Say(About(**peer));
  for (std::string line; std::getline(std::cin, line);) Say(Answer(**peer, line));
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  return sluice::Main(argc, argv);
}
