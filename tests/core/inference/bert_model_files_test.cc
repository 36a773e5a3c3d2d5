#include "core/inference/bert_model_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/core/inference/tiny_bert.h"

namespace sluice {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ModelFiles : public testing::Test {
 protected:
  absl::StatusOr<std::shared_ptr<const BertModelFiles>> Load() {
    return LoadBertModelFiles(model_.Write(TestDirectory("model")));
  }

  void ExpectError(absl::StatusCode code, const std::string& file, const std::string& mention) {
    const absl::Status status = Load().status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("tiny-bert/" + file), HasSubstr(mention)));
  }

  // One key of config.json, replaced.
  void Set(const std::string& file, const std::string& from, const std::string& to) {
    std::string& content = model_.files[file];
    const size_t at = content.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    content.replace(at, from.size(), to);
  }

  TinyBert model_;
};

TEST_F(ModelFiles, DescribesTheModel) {
  const auto files = Load().value();
  const EncoderDescription description = DescribeModel(*files);
  EXPECT_EQ(description.model_name, "tiny-bert");
  EXPECT_EQ(description.model_digest.size(), 64u);
  EXPECT_EQ(description.dimensions, 8);
  EXPECT_EQ(description.max_tokens, 16);
  EXPECT_EQ(description.vocabulary_size, 50);
  EXPECT_TRUE(files->config().normalise) << "modules.json lists Normalize; its folder may be missing";
  EXPECT_EQ(files->config().pooling, Pooling::kMean);
}

// The digest is of the weights and changes with them.
TEST_F(ModelFiles, DigestChangesWithTheWeights) {
  const std::string before = Load().value()->digest();
  EXPECT_EQ(Load().value()->digest(), before);
  model_.tensors["encoder.layer.1.output.dense.bias"].values[0] += 1;
  EXPECT_NE(Load().value()->digest(), before);
}

// The limit is max_seq_length, else the smaller of model_max_length and the positions, never more than the
// positions.
TEST_F(ModelFiles, TokenLimit) {
  model_.files["sentence_bert_config.json"] = R"({"max_seq_length": 512})";
  EXPECT_EQ(Load().value()->config().max_tokens, 24);
  model_.files["sentence_bert_config.json"] = R"({"max_seq_length": null})";
  model_.files["tokenizer_config.json"] = R"({"model_max_length": 20})";
  EXPECT_EQ(Load().value()->config().max_tokens, 20);
  model_.files["sentence_bert_config.json"] = "";
  model_.files["tokenizer_config.json"] = R"({"model_max_length": 1000000000000000019884624838656})";
  EXPECT_EQ(Load().value()->config().max_tokens, 24);
  model_.files["tokenizer_config.json"] = "";
  EXPECT_EQ(Load().value()->config().max_tokens, 24);
}

// roberta keeps the first rows of its position table for padding.
TEST_F(ModelFiles, RobertaPositionsBeginAfterThePadding) {
  Set("config.json", R"("bert")", R"("xlm-roberta")");
  Set("config.json", R"("pad_token_id": 0)", R"("pad_token_id": 1)");
  model_.files["sentence_bert_config.json"] = "";
  EXPECT_EQ(Load().value()->config().position_offset, 2);
  EXPECT_EQ(Load().value()->config().max_tokens, 22);
}

// Without modules.json it is the mean and no normalising, as sentence-transformers does it.
TEST_F(ModelFiles, PlainDirectoryIsMeanPooled) {
  model_.files["modules.json"] = "";
  EXPECT_EQ(Load().value()->config().pooling, Pooling::kMean);
  EXPECT_FALSE(Load().value()->config().normalise);
}

// A file that is there and cannot be opened says how the model is to be run all the same.
TEST_F(ModelFiles, DoesNotDoWithoutAFileThatIsThere) {
  model_.files["modules.json"] = "";
  const std::string directory = model_.Write(TestDirectory("unreadable"));
  const std::string modules = directory + "/modules.json";
  const auto expect = [&](const std::string& mention) {
    const absl::Status status = LoadBertModelFiles(directory).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("/modules.json: "), HasSubstr(mention)));
    std::filesystem::remove(modules);
  };
  std::filesystem::create_symlink("modules.json", modules);
  expect("symbolic links");
  std::filesystem::create_directory(modules);
  expect("directory");
  ASSERT_EQ(mknod(modules.c_str(), S_IFSOCK | 0600, 0), 0);
  expect("No such device or address");
}

TEST_F(ModelFiles, PoolingIsHonoured) {
  model_.files["1_Pooling/config.json"] =
      R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false})";
  EXPECT_EQ(Load().value()->config().pooling, Pooling::kCls);
  model_.files["1_Pooling/config.json"] = R"({"pooling_mode": "max"})";
  EXPECT_EQ(Load().value()->config().pooling, Pooling::kMax);
}

TEST_F(ModelFiles, TensorsMayStandUnderTheFamilysName) {
  std::map<std::string, TinyTensor> renamed;
  for (const auto& [name, tensor] : model_.tensors) renamed["bert." + name] = tensor;
  model_.tensors = renamed;
  EXPECT_TRUE(Load().ok());
}

TEST_F(ModelFiles, NamesTheFileThatIsMissing) {
  model_.files["model.safetensors"] = "";
  ExpectError(absl::StatusCode::kNotFound, "model.safetensors", "");
  model_.files["1_Pooling/config.json"] = "";
  ExpectError(absl::StatusCode::kNotFound, "1_Pooling/config.json", "");
  model_.files["config.json"] = "";
  ExpectError(absl::StatusCode::kNotFound, "config.json", "");
}

TEST_F(ModelFiles, NamesTheTensorThatContradictsTheConfiguration) {
  const std::string name = "encoder.layer.1.attention.self.key.weight";
  const TinyTensor good = model_.tensors[name];
  model_.tensors.erase(name);
  ExpectError(absl::StatusCode::kInvalidArgument, "model.safetensors", "tensor '" + name + "' is missing");
  model_.tensors[name] = {{4, 16}, good.values};
  ExpectError(absl::StatusCode::kInvalidArgument, "model.safetensors",
              "has the shape [4,16]; config.json wants [8,8]");
  model_.tensors[name] = good;
  Set("config.json", R"("num_hidden_layers": 2)", R"("num_hidden_layers": 3)");
  ExpectError(absl::StatusCode::kInvalidArgument, "model.safetensors",
              "encoder.layer.2.attention.self.query.weight");
}

TEST_F(ModelFiles, RefusesWeightsThatAreNotFloats) {
  model_.tensors["embeddings.LayerNorm.bias"].type = "I32";
  ExpectError(absl::StatusCode::kInvalidArgument, "model.safetensors",
              "is of type I32; want F32, F16 or BF16");
}

TEST_F(ModelFiles, NamesTheKeyThatIsWrong) {
  const TinyBert good = model_;
  const auto expect = [&](const std::string& from, const std::string& to, const std::string& mention) {
    model_ = good;
    Set("config.json", from, to);
    ExpectError(absl::StatusCode::kInvalidArgument, "config.json", mention);
  };
  expect(R"("hidden_size": 8,)", "", "hidden_size is missing");
  expect(R"("hidden_size": 8)", R"("hidden_size": "8")", "hidden_size is not an integer");
  expect(R"("hidden_size": 8)", R"("hidden_size": 0)", "hidden_size is 0, want 1..");
  expect(R"("hidden_size": 8)", R"("hidden_size": 9)", "not a multiple of the 2 of num_attention_heads");
  expect(R"("vocab_size": 50)", R"("vocab_size": 99999999999999999999)", "vocab_size is not an integer");
  expect("1e-5", "-1", "layer_norm_eps is -1");
  expect("{", "[", "is not JSON");
  model_ = good;
  model_.files["1_Pooling/config.json"] =
      R"({"word_embedding_dimension": 9, "pooling_mode_mean_tokens": true})";
  ExpectError(absl::StatusCode::kInvalidArgument, "1_Pooling/config.json", "word_embedding_dimension is 9");
  model_ = good;
  model_.files["sentence_bert_config.json"] = R"({"max_seq_length": 1})";
  ExpectError(absl::StatusCode::kInvalidArgument, "sentence_bert_config.json",
              "max_seq_length is 1, want 3 or more");
  model_ = good;
  Set("modules.json", "1_Pooling", "../secrets");
  ExpectError(absl::StatusCode::kInvalidArgument, "modules.json", "leaves the model's directory");
}

TEST_F(ModelFiles, SaysWhatIsNotThere) {
  const TinyBert good = model_;
  const auto expect = [&](const std::string& file, const std::string& from, const std::string& to,
                          const std::string& mention) {
    model_ = good;
    Set(file, from, to);
    ExpectError(absl::StatusCode::kUnimplemented, file, mention);
  };
  expect("config.json", R"("gelu")", R"("swish")", "hidden_act 'swish'");
  expect("config.json", R"("bert")", R"("t5")", "model_type 't5'");
  expect("config.json", R"("vocab_size")", R"("position_embedding_type": "relative_key", "vocab_size")",
         "position_embedding_type 'relative_key'");
  expect("modules.json", "models.Normalize", "models.Dense", "the module 'Dense'");
  expect("1_Pooling/config.json", R"("pooling_mode_cls_token": false)", R"("pooling_mode_cls_token": true)",
         "2 of the pooling_mode_");
  expect("1_Pooling/config.json", R"("pooling_mode_mean_tokens": true)",
         R"("pooling_mode_weightedmean_tokens": true)", "pooling_mode_weightedmean_tokens");
}

}  // namespace
}  // namespace sluice
