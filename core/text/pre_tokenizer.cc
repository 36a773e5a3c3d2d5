#include "core/text/pre_tokenizer.h"

#include <array>

namespace sluice::internal_pre_tokenizer {
namespace {

using AsciiTable = std::array<CharClass, 128>;

AsciiTable MakeAsciiTable(PreTokenizer kind) {
  AsciiTable table;
  for (size_t c = 0; c < table.size(); ++c) table[c] = ClassOf(kind, static_cast<char32_t>(c));
  return table;
}

}  // namespace

CharClass ClassOf(PreTokenizer kind, char32_t c) {
  if (unicode::IsWhitespace(c)) return CharClass::kSpace;
  switch (kind) {
    case PreTokenizer::kBert:
      return unicode::IsPunctuation(c) ? CharClass::kIsolated : CharClass::kWord;
    case PreTokenizer::kWhitespace:
      return unicode::IsWordCharacter(c) ? CharClass::kWord : CharClass::kSymbol;
    case PreTokenizer::kWhitespaceSplit:
      break;
  }
  return CharClass::kWord;
}

const CharClass* AsciiClasses(PreTokenizer kind) {
  static const std::array<AsciiTable, 3> tables = {MakeAsciiTable(PreTokenizer::kBert),
                                                   MakeAsciiTable(PreTokenizer::kWhitespace),
                                                   MakeAsciiTable(PreTokenizer::kWhitespaceSplit)};
  return tables[static_cast<size_t>(kind)].data();
}

}  // namespace sluice::internal_pre_tokenizer
