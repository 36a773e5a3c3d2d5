// What LoadTokenizer takes and refuses: tests/golden/tiny_tokenizer with one thing changed at a time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "core/text/tokenizer.h"
#include "tests/contract/scratch_directory.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

class TokenizerJsonTest : public ::testing::Test {
 protected:
  TokenizerJsonTest() { std::ifstream("tests/golden/tiny_tokenizer/tokenizer.json") >> json_; }

  std::string File() const { return directory_.File("tokenizer.json"); }

  absl::StatusOr<std::unique_ptr<Tokenizer>> LoadText(const std::string& text) {
    std::ofstream(File(), std::ios::binary) << text;
    return LoadTokenizer(directory_.path());
  }

  absl::StatusOr<std::unique_ptr<Tokenizer>> Load() { return LoadText(json_.dump()); }

  std::vector<int32_t> Ids(absl::string_view text) {
    const auto tokenizer = Load();
    EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
    return (*tokenizer)->Encode(text, 1000, Truncation::kError)->ids;
  }

  // Refused with INVALID_ARGUMENT that names the file, the key and what is wrong.
  void ExpectRefused(const std::string& key, const std::string& what) {
    const absl::Status status = Load().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(File() + ": " + key + ": "));
    EXPECT_THAT(std::string(status.message()), HasSubstr(what));
  }

  const ScratchDirectory directory_;
  Json json_;
};

TEST_F(TokenizerJsonTest, AMissingFileIsNamed) {
  const absl::Status status = LoadTokenizer(directory_.File("nowhere")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("nowhere/tokenizer.json"));
}

TEST_F(TokenizerJsonTest, BrokenJsonIsRefused) {
  for (const char* text : {"", "{", "nonsense", "{\"model\": \"\xFF\"}"}) {
    const absl::Status status = LoadText(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(File()));
  }
  EXPECT_EQ(LoadText("[]").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TokenizerJsonTest, EveryPartMustBeThere) {
  for (const char* key : {"model", "normalizer", "pre_tokenizer", "post_processor", "added_tokens"}) {
    const Json whole = json_;
    json_.erase(key);
    ExpectRefused(key, "missing");
    json_ = whole;
  }
  for (const char* key : {"vocab", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word"}) {
    const Json whole = json_;
    json_["model"].erase(key);
    ExpectRefused(std::string("model.") + key, "missing");
    json_ = whole;
  }
}

TEST_F(TokenizerJsonTest, OtherModelsAreRefused) {
  json_["model"]["type"] = "BPE";
  ExpectRefused("model.type", "'BPE' is not supported");
}

TEST_F(TokenizerJsonTest, OtherPartsAreRefused) {
  json_["normalizer"] = {{"type", "Sequence"}, {"normalizers", {{{"type", "NFD"}}, {{"type", "Nmt"}}}}};
  ExpectRefused("normalizer.normalizers[1]", "'Nmt' is not supported");
  json_["normalizer"] = nullptr;
  json_["pre_tokenizer"] = {{"type", "Metaspace"}};
  ExpectRefused("pre_tokenizer", "'Metaspace' is not supported");
  json_["pre_tokenizer"] = {{"type", "WhitespaceSplit"}};
  json_["post_processor"] = {{"type", "ByteLevel"}};
  ExpectRefused("post_processor", "'ByteLevel' is not supported");
}

// A key that is not understood may change the ids, so it is not skipped.
TEST_F(TokenizerJsonTest, UnknownKeysAreRefused) {
  const Json whole = json_;
  json_["normalizer"]["strip_digits"] = true;
  ExpectRefused("normalizer.strip_digits", "unknown key");
  json_ = whole;
  json_["model"]["dropout"] = 0.1;
  ExpectRefused("model.dropout", "unknown key");
  json_ = whole;
  json_["shuffle"] = true;
  ExpectRefused("shuffle", "unknown key");
}

TEST_F(TokenizerJsonTest, WrongTypesAreRefused) {
  const Json whole = json_;
  json_["normalizer"]["lowercase"] = "yes";
  ExpectRefused("normalizer.lowercase", "must be true or false");
  json_ = whole;
  json_["model"]["vocab"]["the"] = -1;
  ExpectRefused("model.vocab[\"the\"]", "must be an integer");
  json_["model"]["vocab"]["the"] = 5.5;
  ExpectRefused("model.vocab[\"the\"]", "must be an integer");
  json_["model"]["vocab"]["the"] = 4294967296;
  ExpectRefused("model.vocab[\"the\"]", "must be an integer");
  json_["model"]["vocab"] = Json::array({"the"});
  ExpectRefused("model.vocab", "must be an object");
  json_ = whole;
  json_["added_tokens"] = "none";
  ExpectRefused("added_tokens", "must be an array");
}

TEST_F(TokenizerJsonTest, ContradictionsAreRefused) {
  const Json whole = json_;
  json_["model"]["vocab"]["the"] = 6;
  ExpectRefused("model.vocab[\"the\"]", "given to two pieces");
  json_ = whole;
  json_["model"]["unk_token"] = "<unk>";
  ExpectRefused("model.unk_token", "'<unk>' is not in model.vocab");
  json_ = whole;
  json_["added_tokens"][2]["id"] = 7;
  ExpectRefused("added_tokens[2]", "the id is 7, but by model.vocab it must be 2");
  json_ = whole;
  json_["added_tokens"][6]["content"] = "Node.js";
  ExpectRefused("added_tokens[6]", "given twice");
  json_ = whole;
  json_["added_tokens"][5]["content"] = "\u200B";
  ExpectRefused("added_tokens[5]", "is empty");
}

TEST_F(TokenizerJsonTest, TemplatesThatDoNotFitOneSequenceAreRefused) {
  Json& single = json_["post_processor"]["single"];
  const Json whole = single;
  single.erase(1);
  ExpectRefused("post_processor.single", "not 0 times");
  single = whole;
  single.push_back(whole[1]);
  ExpectRefused("post_processor.single", "not 2 times");
  single = whole;
  single.push_back(whole[0]);
  ExpectRefused("post_processor", "adds 3 special tokens");
  single = Json::array({whole[1]});
  ExpectRefused("post_processor", "adds 0 special tokens");
  single = whole;
  single[1]["Sequence"]["type_id"] = 1;
  ExpectRefused("post_processor.single[1].Sequence", "type_id 1 is not supported");
  single = whole;
  single[0]["SpecialToken"]["id"] = "<s>";
  ExpectRefused("post_processor.special_tokens.<s>", "missing");
  single = whole;
  json_["post_processor"]["special_tokens"]["[CLS]"]["ids"] = {38};
  ExpectRefused("post_processor", "the id 38 is not in the vocabulary");
}

TEST_F(TokenizerJsonTest, BertProcessingAddsItsTokens) {
  json_["post_processor"] = {{"type", "BertProcessing"}, {"sep", {"[SEP]", 3}}, {"cls", {"[CLS]", 2}}};
  EXPECT_THAT(Ids("the"), ElementsAre(2, 5, 3));
}

// strip_accents null does as lowercase does.
TEST_F(TokenizerJsonTest, StripAccentsFollowsLowercaseWhenNull) {
  EXPECT_THAT(Ids("Café"), ElementsAre(2, 24, 3));
  json_["normalizer"]["strip_accents"] = false;
  EXPECT_THAT(Ids("Café"), ElementsAre(2, 1, 3));
  json_["normalizer"]["strip_accents"] = nullptr;
  json_["normalizer"]["lowercase"] = false;
  EXPECT_THAT(Ids("café"), ElementsAre(2, 1, 3));
  json_["normalizer"]["strip_accents"] = true;
  EXPECT_THAT(Ids("café Café"), ElementsAre(2, 24, 1, 3));
}

TEST_F(TokenizerJsonTest, OtherPreTokenizersCutTheirWay) {
  json_["pre_tokenizer"]["type"] = "Whitespace";
  EXPECT_THAT(Ids("the+a, ++"), ElementsAre(2, 5, 18, 15, 21, 1, 3));
  json_["pre_tokenizer"]["type"] = "WhitespaceSplit";
  EXPECT_THAT(Ids("the+a a"), ElementsAre(2, 1, 15, 3));
}

// Without a normaliser broken bytes stay visible, one U+FFFD each.
TEST_F(TokenizerJsonTest, ANullNormalizerKeepsTheText) {
  json_["normalizer"] = nullptr;
  json_["pre_tokenizer"]["type"] = "WhitespaceSplit";
  EXPECT_THAT(Ids("the The \xE4\xB8\xE4 [MASK]"), ElementsAre(2, 5, 1, 30, 31, 4, 3));
}

// lstrip and rstrip take the white space along, so that a token made of white space beside them finds none.
TEST_F(TokenizerJsonTest, StrippingTokensTakeTheWhiteSpaceAlong) {
  Json token = json_["added_tokens"][6];
  token["content"] = " ";
  token["single_word"] = false;
  token["normalized"] = true;
  token["id"] = 38;
  json_["added_tokens"].push_back(token);
  EXPECT_THAT(Ids("the [MASK] a"), ElementsAre(2, 5, 38, 4, 38, 15, 3));
  json_["added_tokens"][4]["lstrip"] = true;
  EXPECT_THAT(Ids("the \u3000[MASK] a"), ElementsAre(2, 5, 4, 38, 15, 3));
  json_["added_tokens"][4]["rstrip"] = true;
  EXPECT_THAT(Ids("the [MASK] \n [MASK] a"), ElementsAre(2, 5, 4, 4, 15, 3));
}

}  // namespace
}  // namespace sluice
