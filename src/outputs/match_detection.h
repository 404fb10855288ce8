// What kind of finding a detection is: the `type` of its JSON object, found without reading the rest of it. Pure.
#pragma once

#include <string_view>

namespace thorlog {

// The text of the member `type` of the outermost object; empty when there is none. Linear.
std::string_view detection_type(std::string_view object) noexcept;

}  // namespace thorlog
