// What runs here, as GetServer tells it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/hardware/hardware.h"
#include "core/hardware/tier.h"
#include "core/inference/encoder.h"
#include "core/inference/encoder_calibration.h"
#include "core/inference/replica_pool.h"
#include "sluice/v1/server.pb.h"

namespace sluice {

// Fixed once the server has started.
struct ServerFacts {
  std::string version;
  TierChoice tier;
  Hardware hardware;
  bool has_model = false;
  EncoderDescription model;        // only with a model
  EncoderCalibration calibration;  // only with a model
  std::vector<ReplicaStatus> replicas;
  int64_t max_queued_jobs = 0;
  absl::Time start_time;
  std::map<std::string, std::string> libraries;
};

void ServerToProto(const ServerFacts& facts, bool draining, v1::Server* proto);

}  // namespace sluice
