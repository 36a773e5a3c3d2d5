#include <ATen/core/dispatch/Dispatcher.h>

#include <optional>
#include <string_view>
#include <utility>

#include "core/inference/torch/bert_network.h"

namespace sluice {
namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;
using MaybeTensor = std::optional<at::Tensor>;

// oneDNN's operators are registered with the dispatcher but have no C++ declaration.
c10::OperatorHandle OperatorNamed(const char* name, const char* overload) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
}

at::Tensor Reorder(const at::Tensor& weight) {
  static const auto op = OperatorNamed("mkldnn::_reorder_linear_weight", "")
                             .typed<at::Tensor(const at::Tensor&, std::optional<int64_t>)>();
  return op.call(weight, std::nullopt);
}

at::Tensor Pointwise(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                     std::string_view post_op, std::string_view algorithm) {
  static const auto op = OperatorNamed("mkldnn::_linear_pointwise", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const MaybeTensor&,
                                               std::string_view, Scalars, std::optional<std::string_view>)>();
  return op.call(x, weight, bias, post_op, Scalars(), algorithm);
}

at::Tensor PointwiseAdd(const at::Tensor& x, const at::Tensor& other, const at::Tensor& weight,
                        const at::Tensor& bias) {
  static const auto op = OperatorNamed("mkldnn::_linear_pointwise", "binary")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                               const MaybeTensor&, std::string_view)>();
  return op.call(x, other, weight, bias, "add");
}

}  // namespace

Linear::Linear(at::Tensor weight, at::Tensor bias, bool prepack)
    : weight_(std::move(weight)), bias_(std::move(bias)) {
  if (!prepack) return;
  try {
    weight_ = Reorder(weight_);
    prepacked_ = true;
  } catch (const c10::Error&) {
    // This build or processor has no oneDNN kernel for the type; LibTorch's own product always works.
  }
}

at::Tensor Linear::Apply(const at::Tensor& x) const {
  return prepacked_ ? Pointwise(x, weight_, bias_, "none", "") : at::linear(x, weight_, bias_);
}

at::Tensor Linear::ApplyAndAdd(const at::Tensor& x, const at::Tensor& residual) const {
  return prepacked_ ? PointwiseAdd(x, residual, weight_, bias_)
                    : at::linear(x, weight_, bias_).add_(residual);
}

at::Tensor Linear::ApplyAndActivate(const at::Tensor& x, Activation activation) const {
  const char* const algorithm = activation == Activation::kGeluTanh ? "tanh" : "none";
  if (prepacked_)
    return Pointwise(x, weight_, bias_, activation == Activation::kRelu ? "relu" : "gelu", algorithm);
  at::Tensor y = at::linear(x, weight_, bias_);
  return activation == Activation::kRelu ? at::relu_(y) : at::gelu_(y, algorithm);
}

}  // namespace sluice
