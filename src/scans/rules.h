// The rules of the scan watch: how the built-in signals are recognised, and what users look for besides. Immutable
// once made; a reload makes a new one.
#pragma once

namespace thorlog {

class RuleSet {};

}  // namespace thorlog
