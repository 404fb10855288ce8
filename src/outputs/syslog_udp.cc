#include "outputs/syslog_udp.h"

#include <netinet/in.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "outputs/syslog_encoding.h"

namespace thorlog {
namespace {

constexpr std::size_t kGather = 128U << 10;
constexpr std::size_t kKeepBuffer = 512U << 10;
constexpr int kSendBuffer = 1 << 20;
constexpr std::int64_t kQuiet = 50'000'000;  // without a refusal: then it was taken, as far as UDP can tell
constexpr std::uint64_t kQuietMs = 50;
constexpr std::uint64_t kFullQueueMs = 5;

}  // namespace

struct SyslogUdp::Socket {
  Socket(Loop& loop, int descriptor, std::function<void()> writable)
      : fd(descriptor), watch(loop, descriptor, [call = std::move(writable)](int, int) { call(); }) {}
  FileHandle fd;  // closed after the watch has gone
  FdWatch watch;
};

SyslogUdp::SyslogUdp(const OutputSettings& settings, const SinkContext& context)
    : context_(context),
      max_length_(settings.max_length == 0
                      ? kMostBytes
                      : static_cast<std::size_t>(std::min<std::uint64_t>(settings.max_length, kMostBytes))),
      encoder_(encode_options(settings, LineFraming::none)),
      parts_(settings),
      splits_(settings.max_length != 0),
      cycle_(context.loop, settings.addresses, SOCK_DGRAM, *this),
      backoff_({}, static_cast<std::uint64_t>(context.clock.steady())),
      retry_(context.loop,
             [this] {
               if (!open_) return cycle_.restart();
               blocked_ = false;  // the queue of the network card was full
               send_gathered();
               if (ready()) context_.host.sink_ready();
             }),
      settle_(context.loop, [this] { settle(); }) {
  status_.target = cycle_.current();
  ends_.reserve(kMostAtOnce);
}

SyslogUdp::~SyslogUdp() = default;

void SyslogUdp::start() { cycle_.restart(); }

void SyslogUdp::try_endpoint(const Endpoint& endpoint) {
  endpoint_ = endpoint;
  status_.target = cycle_.current();
  const int fd = ::socket(endpoint.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, endpoint.get(), endpoint.length) != 0) {
    const int error = errno;
    const FileHandle closed(fd);
    trouble(Retry::connect, "a socket for " + endpoint.text() + ": " + std::strerror(error));
    return cycle_.next();
  }
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
  // Large datagrams leave in fragments; without this a router on the way could make the kernel refuse them.
  const bool v6 = endpoint.family() == AF_INET6;
  const int dont = v6 ? IPV6_PMTUDISC_DONT : IP_PMTUDISC_DONT;
  ::setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &dont, sizeof dont);
  open_ = std::make_unique<Socket>(context_.loop, fd, [this] {
    open_->watch.stop();
    blocked_ = false;
    send_gathered();
    if (ready()) context_.host.sink_ready();
  });
  blocked_ = false;
  probe_sent_ = false;
  if (!probing_) status_.state = OutputState::streaming;
  context_.host.sink_ready();
}

void SyslogUdp::not_found(std::string why) { trouble(Retry::resolve, std::move(why)); }

void SyslogUdp::all_tried() {
  status_.state = OutputState::retrying;
  retry_.start(backoff_.next_ms());
}

// ---- sending

Taken SyslogUdp::write(const StoredRecord& record) {
  if (!ready()) return Taken::not_now;
  if (probing_ && !ends_.empty()) return Taken::not_now;
  if (buffer_.size() >= kGather || ends_.size() >= kMostAtOnce) {
    send_gathered();
    if (!ready()) return Taken::not_now;
  }
  const std::size_t before = buffer_.size();
  encoder_.append(record, buffer_);
  const std::size_t length = buffer_.size() - before;
  const bool marked = splits_ && carries_part_marker(buffer_.view().substr(before));
  if (length <= max_length_ && !marked) {
    add_datagram();
    return Taken::yes;
  }
  buffer_.truncate(before);
  if (!splits_) return Taken::oversize;
  const bool fits = parts_.split(record, max_length_, [this](std::string_view part) {
    buffer_.append(part);
    add_datagram();
  });
  return fits ? Taken::yes : Taken::oversize;
}

void SyslogUdp::add_datagram() { ends_.push_back(static_cast<std::uint32_t>(buffer_.size())); }

void SyslogUdp::mark(Token token) { marks_.push_back({token, 0}); }

void SyslogUdp::flush() {
  if (!open_ || blocked_) return;
  send_gathered();
}

void SyslogUdp::send_gathered() {
  while (open_ && !blocked_ && sent_ < ends_.size()) {
    const auto count = static_cast<unsigned>(std::min<std::size_t>(ends_.size() - sent_, kMostAtOnce));
    for (unsigned i = 0; i < count; ++i) {
      const std::size_t from = sent_ + i == 0 ? 0 : ends_[sent_ + i - 1];
      pieces_[i] = {buffer_.data() + from, ends_[sent_ + i] - from};
      messages_[i].msg_hdr = {};
      messages_[i].msg_hdr.msg_iov = &pieces_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
    const int n = ::sendmmsg(open_->fd.get(), messages_.data(), count, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) {
      sent_ += static_cast<unsigned>(n);
    } else if (errno == EAGAIN) {
      blocked_ = true;
      open_->watch.start(UV_WRITABLE);
    } else if (errno == ENOBUFS || errno == ENOMEM) {
      blocked_ = true;
      retry_.start(kFullQueueMs);
    } else if (errno != EINTR) {
      return refused(errno);
    }
  }
  if (open_ && sent_ == ends_.size()) sent_all();
}

void SyslogUdp::sent_all() {
  if (!ends_.empty()) {
    if (probing_) probe_sent_ = true;
    quiet_from_ = context_.clock.steady();
  }
  drop_gathered();
  const std::int64_t now = context_.clock.steady();
  Token last = 0;
  for (auto mark = marks_.rbegin(); mark != marks_.rend() && mark->sent_at == 0; ++mark) {
    mark->sent_at = now;
    last = std::max(last, mark->token);
  }
  if (last != 0) context_.host.reached(last);
  if ((!marks_.empty() || probe_sent_ || done_) && !settle_.active()) settle_.start(kQuietMs);
}

void SyslogUdp::drop_gathered() {
  buffer_.clear();
  buffer_.release_above(kKeepBuffer);
  ends_.clear();
  sent_ = 0;
}

// ---- what comes back

void SyslogUdp::settle() {
  if (!open_) return;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(open_->fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error != 0) return refused(error);
  const std::int64_t now = context_.clock.steady();
  if (probe_sent_ && now - quiet_from_ >= kQuiet) quiet();
  Token delivered = 0;
  while (!marks_.empty() && marks_.front().sent_at != 0 && now - marks_.front().sent_at >= kQuiet) {
    delivered = marks_.front().token;
    marks_.pop_front();
  }
  if (delivered != 0) context_.host.delivered(delivered);
  if (done_ && marks_.empty() && ends_.empty()) return finish_close();
  if (!marks_.empty() || probe_sent_ || done_) settle_.start(kQuietMs);
}

void SyslogUdp::quiet() {
  probing_ = false;
  probe_sent_ = false;
  backoff_.reset();
  status_.state = OutputState::streaming;
  context_.host.sink_ready();
}

void SyslogUdp::refused(int error) {
  trouble(error == ECONNREFUSED ? Retry::refused : Retry::write, endpoint_.text() + ": " + std::strerror(error));
  status_.repeated_bytes += sent_ == 0 ? 0 : ends_[sent_ - 1];
  drop_gathered();
  marks_.clear();
  blocked_ = false;
  probing_ = true;
  probe_sent_ = false;
  settle_.stop();
  // The watch may be what called us; it goes on a later turn.
  context_.loop.later([socket = std::shared_ptr<Socket>(std::move(open_))]() mutable { socket.reset(); });
  status_.state = OutputState::retrying;
  context_.host.rewind();
  if (done_) return finish_close();
  cycle_.next();
}

void SyslogUdp::trouble(Retry reason, std::string why) {
  ++status_.retries[static_cast<std::size_t>(reason)];
  log_limited(Severity::warning, "output", "output " + context_.name, why);
  status_.last_error = std::move(why);
  status_.last_error_at = context_.clock.wall();
  ++status_.error_count;
}

void SyslogUdp::close(std::function<void()> done) {
  done_ = std::move(done);
  if (open_) flush();
  if (!open_ || probing_) return finish_close();  // there is no target, or none that listens
  if (!settle_.active()) settle_.start(marks_.empty() && ends_.empty() ? 0 : kQuietMs);
}

void SyslogUdp::finish_close() {
  retry_.stop();
  settle_.stop();
  cycle_.stop();
  status_.state = OutputState::stopped;
  if (auto done = std::exchange(done_, nullptr)) done();
}

}  // namespace thorlog
