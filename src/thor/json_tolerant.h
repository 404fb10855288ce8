// Reads a broken JSON object as far as it is intact: pieces that a relay lost bytes of, lines that were cut.
#pragma once

#include <string>
#include <string_view>

#include "thor/json_facts.h"

namespace thorlog {

class TolerantJson {
 public:
  // facts.valid says whether the structure is whole after all.
  JsonFacts read(std::string_view text);

 private:
  std::string unescaped_;
};

// Appends `text` (what stands between the quotes) without its escapes. Escapes that are none stay as they are.
void append_unescaped(std::string& out, std::string_view text);

}  // namespace thorlog
