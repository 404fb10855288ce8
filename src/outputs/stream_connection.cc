#include "outputs/stream_connection.h"

#include <cstring>

namespace thorlog {

Result<std::unique_ptr<StreamConnection>> StreamConnection::open(Loop& loop, const Endpoint& endpoint, Owner& owner) {
  std::unique_ptr<StreamConnection> made(new StreamConnection(endpoint, owner));
  auto opened = TcpConnection::open(loop, endpoint, *made);
  if (!opened) return fail(std::move(opened).error());
  made->tcp_ = *std::move(opened);
  return made;
}

void StreamConnection::retire(Loop& loop, std::unique_ptr<StreamConnection> connection) {
  if (!connection) return;
  connection->owner_ = nullptr;
  connection->tcp_->silence();
  loop.later([shared = std::shared_ptr<StreamConnection>(std::move(connection))]() mutable { shared.reset(); });
}

void StreamConnection::connected() {
  if (owner_ != nullptr) owner_->up(*this);
}

void StreamConnection::writable() {
  if (owner_ != nullptr) owner_->writable(*this);
}

void StreamConnection::heard(std::string_view bytes) {
  if (owner_ != nullptr) owner_->heard(*this, bytes);
}

void StreamConnection::ended(Retry reason, int error) {
  set_end(reason, error);
  if (owner_ != nullptr) owner_->ended(*this);
}

void StreamConnection::set_end(Retry reason, int error) {
  end_.reason = reason;
  if (reason == Retry::closed) {
    end_.why = "the peer closed the connection";
  } else {
    end_.why = error != 0 ? std::string(std::strerror(error)) : std::string(name_of(reason));
  }
}

StreamConnection::Sent StreamConnection::send(std::string_view bytes, std::size_t& sent) {
  const Sent result = tcp_->send(bytes, sent);
  sent_ += sent;
  if (result == Sent::failed) set_end(tcp_->last_reason(), tcp_->last_error());
  return result;
}

bool StreamConnection::alive() {
  if (tcp_->alive()) return true;
  set_end(tcp_->last_reason(), tcp_->last_error());
  return false;
}

void StreamConnection::finish() { tcp_->finish(); }

}  // namespace thorlog
