// What kind of finding a detection is: the `type` of its JSON object, found without reading the rest of it. Pure.
#pragma once

#include <string_view>

namespace thorlog {

// The text of a member of the outermost object that is a string, its escapes as they stand; empty when there is none.
// Linear.
std::string_view detection_member(std::string_view object, std::string_view name) noexcept;
std::string_view detection_type(std::string_view object) noexcept;

}  // namespace thorlog
