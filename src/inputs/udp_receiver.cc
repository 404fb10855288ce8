#include "inputs/udp_receiver.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "inputs/address_hash.h"
#include "thorlog/event.h"
#include "thorlog/framing.h"

namespace thorlog {
namespace {

constexpr std::size_t kLargest = 65536;  // more than any UDP payload without jumbograms
// Buffers that begin at the same place of a page would share few cache lines of the first level; this staggers them.
constexpr std::size_t kStride = kLargest + std::size_t{9} * 64;
constexpr std::uint64_t kLookAtDropsMs = 1000;
constexpr std::uint64_t kDrainLookMs = 5;
// Waking up for each datagram takes longer than handling it. So when they come this close together, and the kernel's
// buffer can hold what comes meanwhile, the sockets are looked at each millisecond, until there are few again.
constexpr std::int64_t kClose = 250'000;  // ns between two readings
constexpr int kCloseReadings = 8;
constexpr std::uint64_t kPollMs = 1;
constexpr int kFew = 4;  // in one look
constexpr std::uint64_t kRoomToPoll = 1U << 20;
constexpr std::uint64_t kLeastOverhead =
    256;  // what a datagram takes at least of the kernel's buffer besides its bytes

std::uint16_t port_of(const sockaddr_storage& from) noexcept {
  return from.ss_family == AF_INET6 ? ntohs(reinterpret_cast<const sockaddr_in6&>(from).sin6_port)
                                    : ntohs(reinterpret_cast<const sockaddr_in&>(from).sin_port);
}

std::string_view content_of(const mmsghdr& message) noexcept {
  return strip_trailer({static_cast<const char*>(message.msg_hdr.msg_iov->iov_base), message.msg_len});
}

}  // namespace

class UdpReceiver::Arena {
 public:
  Arena() {
    const std::size_t bytes = kStride * kBatch + kReadAhead;
    memory_ = static_cast<char*>(
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    THORLOG_ASSERT(memory_ != MAP_FAILED);
    ::madvise(memory_, bytes, MADV_NOHUGEPAGE);  // one datagram would make it all resident
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts_[i] = {memory_ + i * kStride, kLargest};
      messages[i].msg_hdr.msg_iov = &parts_[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_name = &from[i];
      messages[i].msg_hdr.msg_namelen = sizeof from[i];
    }
  }
  ~Arena() { ::munmap(memory_, kStride * kBatch + kReadAhead); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::array<mmsghdr, kBatch> messages{};
  std::array<sockaddr_storage, kBatch> from{};

 private:
  std::array<iovec, kBatch> parts_{};
  char* memory_;
};

UdpReceiver::UdpReceiver(Environment environment, std::vector<UdpSocket> sockets)
    : env_(std::move(environment)),
      arena_(std::make_unique<Arena>()),
      peers_(random_seed()),
      self_(std::make_shared<UdpReceiver*>(this)),
      updates_(env_.context.loop, [this](SharedLimits&& limits) { change(std::move(limits)); }),
      look_at_drops_(env_.context.loop, [this] { count_drops(); }),
      poll_timer_(env_.context.loop, [this] { poll(); }),
      drain_timer_(env_.context.loop, [this] { go_on_draining(); }) {
  sockets_.reserve(sockets.size());  // the watches point into it
  for (UdpSocket& socket : sockets) {
    Watched& watched = sockets_.emplace_back(Watched{std::move(socket), nullptr, 0});
    watched.watch = std::make_unique<FdWatch>(env_.context.loop, watched.socket.fd.get(),
                                              [this, &watched](int status, int) { ready(watched, status); });
    watched.watch->start(UV_READABLE);
  }
  if (sockets_.empty()) return;
  look_at_drops_.start(kLookAtDropsMs, kLookAtDropsMs);
  env_.context.intake.when_room([self = self_] {
    if (*self != nullptr) (*self)->resume();
  });
}

UdpReceiver::~UdpReceiver() {
  close();
  *self_ = nullptr;
}

void UdpReceiver::update(SharedLimits limits) { updates_.post(std::move(limits)); }

void UdpReceiver::change(SharedLimits limits) {
  env_.limits = std::move(limits);
  denied_.reset();
  peers_.for_each([this](UdpPeer& peer) { peer.allowed = env_.limits->allows(peer.address); });
}

void UdpReceiver::ready(Watched& watched, int status) {
  // libuv stops watching when the socket has an error to tell; the read fetches that.
  if (status < 0) watched.watch->start(UV_READABLE);
  const int count = read_all(watched);
  const std::int64_t now = env_.context.clock.steady();
  close_readings_ = count > 0 && now - last_reading_ < kClose ? close_readings_ + 1 : 0;
  last_reading_ = now;
  if (close_readings_ >= kCloseReadings && !paused_ && watched.socket.granted >= kRoomToPoll) start_polling();
}

// What one turn takes from a socket; how many datagrams that were.
int UdpReceiver::read_all(Watched& watched) {
  int all = 0;
  for (int batch = 0; batch < kBatchesATurn; ++batch) {
    if (must_wait()) {
      pause();
      return all;
    }
    const int count = read(watched);
    all += count;
    if (count < kBatch) return all;
  }
  count_drops();  // more and more comes: the kernel's buffer may be full
  return all;
}

void UdpReceiver::start_polling() {
  for (Watched& each : sockets_) each.watch->stop();
  poll_timer_.start(kPollMs, kPollMs);
}

void UdpReceiver::poll() {
  int count = 0;
  for (Watched& watched : sockets_) {
    if (!paused_) count += read_all(watched);
  }
  if (paused_ || count >= kFew) return;
  poll_timer_.stop();
  close_readings_ = 0;
  for (Watched& watched : sockets_) watched.watch->start(UV_READABLE);
}

// Full for a moment: the kernel's buffer waits, and its drops are counted. Full for long: we read and refuse, so that
// the refused are counted one by one, with their reason.
bool UdpReceiver::must_wait() const {
  RefuseReason reason{};
  return !env_.context.intake.has_room() && !env_.context.intake.must_refuse(reason);
}

// One batch. Returns how many datagrams it had; 0: there is nothing to read now.
int UdpReceiver::read(Watched& watched) {
  int count = -1;
  for (int tries = 0; count < 0 && tries < 4; ++tries) {  // an error (ICMP) is told once, then datagrams follow
    count = ::recvmmsg(watched.socket.fd.get(), arena_->messages.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (count < 0 && errno == EAGAIN) return 0;
  }
  const std::int64_t now = env_.context.clock.steady();
  const std::int64_t received = env_.context.clock.wall();
  RefuseReason reason{};
  const bool refused = refuse_all_ || env_.context.intake.must_refuse(reason);
  for (int i = 0; i < count; ++i) {
    mmsghdr& message = arena_->messages[static_cast<std::size_t>(i)];
    if (refused) {
      refuse(message, reason);
    } else {
      take(message, now, received);
    }
    message.msg_hdr.msg_namelen = sizeof(sockaddr_storage);  // the kernel wrote into it
    drain_left_ -= std::min<std::uint64_t>(drain_left_, message.msg_len + kLeastOverhead);
  }
  return std::max(count, 0);
}

void UdpReceiver::take(const mmsghdr& message, std::int64_t now, std::int64_t received) {
  const std::string_view bytes = content_of(message);
  if (bytes.empty()) {
    ++books().empty;
    return;
  }
  const auto& from = *static_cast<const sockaddr_storage*>(message.msg_hdr.msg_name);
  AddressBytes address{};
  address_bytes(reinterpret_cast<const sockaddr&>(from), address);
  UdpPeer* peer = peer_of(from, address);
  if (peer == nullptr) return refuse(message, RefuseReason::not_allowed);
  const RatePlan& rate = env_.limits->rate;
  if (rate.limited() && !rate.allow(peer->full_at, now)) return refuse(message, RefuseReason::rate_limit);
  offer(*peer, bytes, now, received);
}

// Null: not allowed.
UdpPeer* UdpReceiver::peer_of(const sockaddr_storage& from, const AddressBytes& address) {
  if (last_ == nullptr || last_->address != address) {
    if (denied_ && *denied_ == address) return nullptr;
    UdpPeer* peer = peers_.find(address);
    if (peer == nullptr) peer = meet(from, address);
    if (peer == nullptr) return nullptr;
    last_ = peer;
  }
  if (!last_->allowed) return nullptr;
  if (const std::uint16_t port = port_of(from); port != last_->port) {
    last_->port = port;
    env_.context.intake.change_port(last_->stream, port);
  }
  return last_;
}

// Peers that are not allowed get no place in the table, so they can't drive others out of it.
UdpPeer* UdpReceiver::meet(const sockaddr_storage& from, const AddressBytes& address) {
  if (!env_.limits->allows(address)) {
    denied_ = address;
    return nullptr;
  }
  UdpPeer& peer = peers_.add(address, [this](UdpPeer& oldest) { env_.context.intake.close(oldest.stream); });
  const std::string text = address_text(reinterpret_cast<const sockaddr&>(from));
  const std::string endpoint = endpoint_text(text, port_of(from));
  StreamInfo info;
  info.input = env_.slot;
  info.peer = endpoint;
  info.peer_address = text;
  info.datagrams = true;
  peer.stream = env_.context.intake.open(info);
  peer.port = port_of(from);
  return &peer;
}

void UdpReceiver::offer(UdpPeer& peer, std::string_view bytes, std::int64_t now, std::int64_t received) {
  const std::size_t most = env_.limits->max_message;
  Frame frame;
  if (bytes.size() <= most) [[likely]] {
    frame.bytes = bytes;
    env_.context.intake.offer(peer.stream, frame, now, received, false);
    return;
  }
  frame.flags = flag::oversize;
  for (; !bytes.empty(); bytes.remove_prefix(frame.bytes.size())) {
    frame.bytes = bytes.substr(0, most);
    env_.context.intake.offer(peer.stream, frame, now, received, false);
  }
}

void UdpReceiver::refuse(const mmsghdr& message, RefuseReason reason) {
  const std::string_view bytes = content_of(message);
  if (bytes.empty()) {
    ++books().empty;
    return;
  }
  InputBooks& counts = books();
  ++counts.received;
  counts.bytes += bytes.size();
  ++counts.refused[static_cast<std::size_t>(reason)];
  if (reason == RefuseReason::rate_limit || reason == RefuseReason::not_allowed) {
    say_refused(*static_cast<const sockaddr_storage*>(message.msg_hdr.msg_name), reason);
  }
}

void UdpReceiver::say_refused(const sockaddr_storage& from, RefuseReason reason) {
  const std::int64_t now = env_.context.clock.steady();
  if (now < quiet_until_) return;
  quiet_until_ = now + 1'000'000'000;
  const std::string peer = address_text(reinterpret_cast<const sockaddr&>(from));
  log_limited(Severity::warning, name_of(reason), "input " + env_.name,
              reason == RefuseReason::rate_limit ? "datagrams of " + peer + " are refused: over its rate_limit"
                                                 : "datagrams of " + peer + " are refused: not in `allow`");
}

void UdpReceiver::pause() {
  if (paused_) return;
  paused_ = true;
  poll_timer_.stop();
  for (Watched& watched : sockets_) watched.watch->stop();
  env_.figures.paused.store(static_cast<std::uint32_t>(sockets_.size()), std::memory_order_relaxed);
}

void UdpReceiver::resume() {
  if (!paused_) return;
  paused_ = false;
  env_.figures.paused.store(0, std::memory_order_relaxed);
  for (Watched& watched : sockets_) {
    if (watched.watch) watched.watch->start(UV_READABLE);
  }
}

void UdpReceiver::count_drops() {
  for (Watched& watched : sockets_) {
    const std::uint32_t seen = kernel_drops(watched.socket.fd.get());
    const std::uint32_t more = seen - static_cast<std::uint32_t>(watched.drops);  // modulo 2^32, as the kernel counts
    watched.drops += more;
    books().kernel_drops += more;
    env_.figures.kernel_drops.fetch_add(more, std::memory_order_relaxed);
  }
  // Nobody rings when full for a moment becomes full for long.
  if (paused_ && !must_wait()) resume();
}

void UdpReceiver::drain(std::function<void()> drained) {
  drained_ = std::move(drained);
  poll_timer_.stop();
  for (Watched& watched : sockets_) {
    // Passed sockets stay open behind our back, so they must get no filter; there a number of bytes makes the end.
    if (!env_.passed) refuse_new_datagrams(watched.socket.fd.get());
    watched.watch.reset();
    drain_left_ += 2 * watched.socket.granted;
  }
  drain_looks_left_ = kDrainMilliseconds / kDrainLookMs;
  drain_timer_.start(0, kDrainLookMs);
}

void UdpReceiver::go_on_draining() {
  bool empty = true;
  for (Watched& watched : sockets_) {
    int count = kBatch;
    for (int batch = 0; batch < kBatchesATurn && count == kBatch && drain_left_ > 0 && !must_wait(); ++batch) {
      count = read(watched);
    }
    empty = empty && count < kBatch;
  }
  if (!empty && drain_left_ > 0 && --drain_looks_left_ > 0) return;
  refuse_all_ = true;  // no room came in time
  for (Watched& watched : sockets_) {
    while (drain_left_ > 0 && read(watched) == kBatch) {
    }
  }
  drain_timer_.stop();
  close();
  if (drained_) std::exchange(drained_, nullptr)();
}

void UdpReceiver::close() {
  if (std::exchange(closed_, true)) return;
  count_drops();
  sockets_.clear();
  peers_.for_each([this](UdpPeer& peer) { env_.context.intake.close(peer.stream); });
}

}  // namespace thorlog
