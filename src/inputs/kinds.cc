// The kinds of inputs: which function opens which type. A new kind is one line here.
#include <array>

#include "inputs/input.h"
#include "inputs/kafka.h"
#include "inputs/tcp.h"
#include "inputs/udp.h"

namespace thorlog {
namespace {

using Open = Result<std::unique_ptr<Input>> (*)(const InputSettings&, std::span<const InputSettings>, std::size_t);

struct InputKind {
  InputType type;
  Open open;
};

constexpr std::array kKinds = {
    InputKind{InputType::udp, open_udp_input},     InputKind{InputType::tcp, open_tcp_input},
    InputKind{InputType::tls, open_tcp_input},     InputKind{InputType::relp, open_tcp_input},
    InputKind{InputType::kafka, open_kafka_input},
};

}  // namespace

Result<std::unique_ptr<Input>> Input::open(const InputSettings& settings, std::span<const InputSettings> all,
                                           std::size_t workers) {
  THORLOG_ASSERT(workers > 0);
  for (const InputKind& kind : kKinds) {
    if (kind.type == settings.type) return kind.open(settings, all, workers);
  }
  return fail({Errc::config, "opening input '" + settings.name + "': inputs of type " +
                                 std::string(name_of(settings.type)) + " are not built yet"});
}

}  // namespace thorlog
