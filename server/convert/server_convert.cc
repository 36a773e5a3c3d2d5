#include "server/convert/server_convert.h"

#include "core/screening/screener.h"
#include "server/convert/time_convert.h"
#include "server/limits.h"

namespace sluice {
namespace {

void DevicesToProto(const ServerFacts& facts, v1::Server* proto) {
  for (const ComputeDevice& device : facts.tier.devices) {
    v1::Device* added = proto->add_devices();
    added->set_type(device.type);
    added->set_index(device.index);
    added->set_name(device.name);
    added->set_memory_bytes(device.memory_bytes);
  }
  if (!facts.tier.devices.empty()) return;
  v1::Device* processor = proto->add_devices();
  processor->set_type("cpu");
  processor->set_name(facts.hardware.processor);
  processor->set_memory_bytes(facts.hardware.memory_bytes);
}

void LimitsToProto(int64_t max_queued_jobs, v1::Limits* proto) {
  proto->set_max_posting_bytes(kMaxPostingBytes);
  proto->set_max_text_bytes(kMaxTextBytes);
  proto->set_max_create_batch_bytes(kMaxRequestBytes);
  proto->set_max_jobs_per_batch(kMaxJobsPerBatch);
  proto->set_max_texts_per_embed(static_cast<int32_t>(kMaxTextsPerEmbed));
  proto->set_max_queued_jobs(max_queued_jobs);
  proto->set_max_rules(ProfileLimits().max_rules);
}

void CalibrationToProto(const EncoderCalibration& calibration, v1::Calibration* proto) {
  proto->set_precision(PrecisionName(calibration.variant.precision));
  proto->set_kernels(calibration.variant.kernels);
  proto->set_tokens_per_second(calibration.tokens_per_second);
  proto->set_seconds_per_pass(calibration.cost.seconds_per_pass);
  proto->set_seconds_per_token(calibration.cost.seconds_per_token);
  proto->set_seconds_per_squared_token(calibration.cost.seconds_per_squared_token);
  for (const CurvePoint& point : calibration.curve) {
    v1::CalibrationPoint* added = proto->add_curve();
    added->set_tokens(point.tokens);
    added->set_text_tokens(point.text_tokens);
    added->set_seconds(point.seconds);
  }
  proto->set_reason(calibration.reason);
  proto->set_remembered(calibration.remembered);
}

}  // namespace

void ServerToProto(const ServerFacts& facts, bool draining, v1::Server* proto) {
  proto->set_version(facts.version);
  proto->set_tier(TierName(facts.tier.tier));
  proto->set_tier_reason(facts.tier.reason);
  DevicesToProto(facts, proto);
  if (facts.has_model) {
    proto->mutable_model()->set_name(facts.model.model_name);
    proto->mutable_model()->set_digest(facts.model.model_digest);
    proto->mutable_model()->set_dimensions(facts.model.dimensions);
    proto->mutable_model()->set_max_tokens(facts.model.max_tokens);
    CalibrationToProto(facts.calibration, proto->mutable_calibration());
  }
  LimitsToProto(facts.max_queued_jobs, proto->mutable_limits());
  proto->set_draining(draining);
  TimeToProto(facts.start_time, proto->mutable_start_time());
  proto->mutable_host()->set_cores(facts.hardware.cores);
  proto->mutable_host()->set_memory_bytes(facts.hardware.memory_bytes);
  proto->mutable_host()->set_processor(facts.hardware.processor);
  for (const std::string& feature : facts.hardware.features) proto->mutable_host()->add_features(feature);
  for (size_t i = 0; i < facts.replicas.size(); ++i) {
    const ReplicaStatus& replica = facts.replicas[i];
    v1::Replica* added = proto->add_replicas();
    added->set_device(DeviceTypeName(replica.encoder.device));
    added->set_precision(PrecisionName(replica.encoder.precision));
    added->set_threads(ThreadsOfReplica(facts.tier, static_cast<int>(i)));
    added->set_max_batch_jobs(replica.limits.max_jobs);
    added->set_max_batch_tokens(replica.limits.max_tokens);
  }
  proto->mutable_libraries()->insert(facts.libraries.begin(), facts.libraries.end());
}

}  // namespace sluice
