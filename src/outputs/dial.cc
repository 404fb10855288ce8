#include "outputs/dial.h"

#include <sys/socket.h>

namespace thorlog {
namespace {

constexpr std::uint64_t kConnectMs = 10'000;

}  // namespace

Dial::Dial(Loop& loop, std::vector<TargetAddress> targets, Owner& owner)
    : loop_(loop),
      owner_(owner),
      cycle_(loop, std::move(targets), SOCK_STREAM, *this),
      deadline_(loop, [this] { failed(Retry::timeout, "no answer in 10 seconds"); }) {}

Dial::~Dial() { stop(); }

void Dial::start(SharedTls tls, std::size_t first, std::size_t end) {
  stop();
  tls_ = std::move(tls);
  cycle_.restart(first, end);
}

void Dial::stop() {
  cycle_.stop();
  deadline_.stop();
  StreamConnection::retire(loop_, std::move(connection_));
}

void Dial::try_endpoint(const Endpoint& endpoint) {
  auto opened = StreamConnection::open(loop_, endpoint, *this, tls_, target().host);
  if (!opened) {
    owner_.dial_failed(*this, Retry::connect, opened.error().message());
    return cycle_.next();
  }
  connection_ = *std::move(opened);
  deadline_.start(kConnectMs);
}

void Dial::not_found(std::string why) { owner_.dial_failed(*this, Retry::resolve, std::move(why)); }

void Dial::all_tried() { owner_.all_tried(*this); }

void Dial::up(StreamConnection& /*connection*/) {
  deadline_.stop();
  owner_.dialed(*this, std::move(connection_), cycle_.at());
}

void Dial::ended(StreamConnection& connection) { failed(connection.end().reason, connection.end().why); }

void Dial::failed(Retry reason, std::string why) {
  deadline_.stop();
  const std::string where = "connecting to " + connection_->endpoint().text() + ": ";
  StreamConnection::retire(loop_, std::move(connection_));
  owner_.dial_failed(*this, reason, where + why);
  cycle_.next();
}

}  // namespace thorlog
