#include "thorlog/result.h"

#include <system_error>

namespace thorlog {

std::string Error::message() const {
  if (sys == 0) return doing;
  // libuv's negative codes are negated errnos on Linux, its own begin at -3000.
  const int number = sys < 0 && sys > -3000 ? -sys : sys;
  return doing + ": " +
         (number > 0 ? std::generic_category().message(number) : "network error " + std::to_string(sys));
}

}  // namespace thorlog
