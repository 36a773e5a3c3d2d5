// EncoderCalibration: what was measured of a model on this machine, and which of its variants was taken.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/batching/cost_model.h"
#include "core/inference/encoder.h"

namespace sluice {

// What an encoder can be made as.
struct EncoderVariant {
  Precision precision = Precision::kFp32;
  std::string kernels;  // the name of an Int8Kernels; "": LibTorch's

  friend bool operator==(const EncoderVariant&, const EncoderVariant&) = default;
};

// "fp32", "int8 (avx512_vnni)".
std::string VariantName(const EncoderVariant& variant);

// How many replicas share a device, and what each may use.
struct Division {
  int replicas = 1;
  int threads = 1;  // of each replica
  int wider = 0;    // so many of the first have one thread more

  int ThreadsOf(int replica) const { return threads + (replica < wider ? 1 : 0); }
  int AllThreads() const { return replicas * threads + wider; }

  friend bool operator==(const Division&, const Division&) = default;
};

// Seconds of a pass over texts of one length, while every replica ran one of the same.
struct CurvePoint {
  int64_t tokens = 0;       // of all its texts
  int64_t text_tokens = 0;  // of each
  double seconds = 0;

  friend bool operator==(const CurvePoint&, const CurvePoint&) = default;
};

struct EncoderCalibration {
  EncoderVariant variant;
  Division division;
  double tokens_per_second = 0;   // of all replicas together, in passes of about 1,024 tokens
  CostModel cost;                 // of one replica while all are at work; all 0 where none could be fitted
  std::vector<CurvePoint> curve;  // what the model was fitted to, by length and tokens
  std::string reason;             // what was measured, for people
  bool remembered = false;        // read from a file, not measured by this process
};

inline bool HasCostModel(const EncoderCalibration& calibration) {
  return calibration.cost.seconds_per_token > 0;
}

// Of all replicas together, in micro-batches of `texts` texts of `text_tokens`: by the cost model where there
// is one.
double TokensPerSecondIn(const EncoderCalibration& calibration, int texts, int64_t text_tokens);

}  // namespace sluice
