#include "outputs/stream_connection.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "thorlog/frame.h"

namespace thorlog {

Result<std::unique_ptr<StreamConnection>> StreamConnection::open(Loop& loop, const Endpoint& endpoint, Owner& owner,
                                                                 SharedTls tls, std::string host) {
  std::unique_ptr<StreamConnection> made(new StreamConnection(endpoint, owner, std::move(tls), std::move(host)));
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

std::uint64_t StreamConnection::wire_acked(const TcpProgress& progress) const noexcept {
  return wire_sent_ - std::min(wire_sent_, progress.unacked);
}

// ---- what the loop tells

void StreamConnection::connected() {
  if (!context_) {
    up_ = true;
    return owner_->up(*this);
  }
  tls_ = std::make_unique<TlsStream>(*context_, host_);
  if (!look_at_tls()) owner_->ended(*this);
}

void StreamConnection::writable() {
  if (tls_ && push_out() == Sent::failed) {
    read_last_words();
    if (owner_ != nullptr) owner_->ended(*this);
    return;
  }
  if (tls_ && !tls_->outgoing().empty()) return;
  if (up_) owner_->writable(*this);
}

void StreamConnection::heard(std::string_view bytes) {
  if (owner_ == nullptr || over_) return;
  if (!tls_) return owner_->heard(*this, bytes);
  read_tls(bytes);
  if (over_ && owner_ != nullptr && !in_call_) owner_->ended(*this);
}

void StreamConnection::ended(Retry reason, int error) {
  if (!over_) set_end(reason, error);
  if (owner_ != nullptr) owner_->ended(*this);
}

void StreamConnection::set_end(Retry reason, int error) {
  end_.reason = reason;
  if (reason == Retry::closed) {
    end_.why =
        up_ || !tls_ ? "the peer closed the connection" : "the peer closed the connection during the TLS handshake";
  } else {
    end_.why = error != 0 ? std::string(std::strerror(error)) : std::string(name_of(reason));
  }
}

// ---- TLS

void StreamConnection::read_tls(std::string_view ciphertext) {
  std::array<char, (16U << 10) + kReadAhead> plain;
  tls_->feed(ciphertext);
  for (;;) {
    const std::size_t n = tls_->read({plain.data(), plain.size() - kReadAhead});
    if (!look_at_tls() || owner_ == nullptr) return;
    if (n == 0) return;
    owner_->heard(*this, {plain.data(), n});
    if (owner_ == nullptr) return;
  }
}

// After each step: what TLS wants to say goes out, and what has become of it is seen. False: it is over.
bool StreamConnection::look_at_tls() {
  const bool pushed = push_out() != Sent::failed;
  if (tls_->state() == TlsStream::State::failed) {
    over_ = true;
    end_ = {Retry::tls, "TLS: " + tls_->error()};
    return false;
  }
  // A peer that says it will send no more may still read, but not for long. When we have finished, only the end of
  // the connection itself says what it has read.
  if (tls_->state() == TlsStream::State::ended && !finishing_) {
    over_ = true;
    set_end(Retry::closed, 0);
    return false;
  }
  if (!pushed) {
    over_ = true;
    return false;
  }
  if (!up_ && tls_->state() == TlsStream::State::open) {
    up_ = true;
    owner_->up(*this);
  }
  return true;
}

StreamConnection::Sent StreamConnection::push_out() {
  while (!tls_->outgoing().empty()) {
    std::size_t sent = 0;
    const Sent result = tcp_->send(tls_->outgoing(), sent);
    wire_sent_ += sent;
    tls_->sent(sent);
    if (result == Sent::failed) set_end(tcp_->last_reason(), tcp_->last_error());
    if (result != Sent::all) return result;
  }
  if (finishing_ && !std::exchange(finished_, true)) tcp_->finish();
  return Sent::all;
}

StreamConnection::Sent StreamConnection::send_tls(std::string_view bytes, std::size_t& sent) {
  for (;;) {
    const std::size_t taken = tls_->write(bytes.substr(sent));
    sent += taken;
    plain_sent_ += taken;
    if (taken != 0) map_.add(plain_sent_, wire_sent_ + tls_->outgoing().size());
    const Sent result = push_out();
    if (result != Sent::all) return result;
    if (sent == bytes.size()) return Sent::all;
    if (taken == 0) {  // neither takes nor waits: it can't go on
      end_ = {Retry::tls, "TLS: " + (tls_->error().empty() ? "nothing more can be written" : tls_->error())};
      return Sent::failed;
    }
  }
}

// ---- what the owner asks

StreamConnection::Sent StreamConnection::send(std::string_view bytes, std::size_t& sent) {
  sent = 0;
  if (tls_) {
    const Sent result = send_tls(bytes, sent);
    if (result == Sent::failed) read_last_words();
    return result;
  }
  const Sent result = tcp_->send(bytes, sent);
  wire_sent_ += sent;
  if (result == Sent::failed) set_end(tcp_->last_reason(), tcp_->last_error());
  return result;
}

// The peer may have said why before it closed, and that is the better reason.
void StreamConnection::read_last_words() {
  const End end = end_;
  static_cast<void>(alive());
  if (end_.reason != Retry::tls) end_ = end;
  over_ = true;
}

bool StreamConnection::alive() {
  in_call_ = true;
  const bool goes_on = tcp_->alive();
  in_call_ = false;
  if (over_) return false;
  if (!goes_on) set_end(tcp_->last_reason(), tcp_->last_error());
  return goes_on;
}

void StreamConnection::finish() {
  if (!tls_) return tcp_->finish();
  tls_->close();
  finishing_ = true;
  static_cast<void>(push_out());
}

}  // namespace thorlog
