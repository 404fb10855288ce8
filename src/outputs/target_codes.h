// What a target's code says of what was sent to it (specs 4, "Errors of a target"; docs/outputs.md has the table):
// the codes of HTTP, which RELP's answers have too. Pure.
#pragma once

namespace thorlog {

// It will never take this very record.
constexpr bool refuses_the_record(long code) noexcept { return code == 400 || code == 413 || code == 422; }
// Of the codes that blame the sender, those that pass by themselves.
constexpr bool passes_by_itself(long code) noexcept {
  return code == 408 || code == 409 || code == 425 || code == 429;
}

}  // namespace thorlog
