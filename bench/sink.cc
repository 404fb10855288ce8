// thorlog_sink: receives what thorlog_load sent through a daemon, over TCP, UDP or as a file, and checks every
// number: each exactly once, in the order of its connection, with its bytes unaltered. Prints one JSON object. Exit
// 0: everything is there, once, unaltered and (but for UDP) in order. 1: not so. 2: bad arguments.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "numbered.h"

namespace thorlog::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::uint16_t port = 0;
  bool udp = false;
  std::string file;
  std::uint64_t count = 0;
  std::uint32_t connections = 1;
  double idle = 5;      // seconds without a byte after which nothing more is expected
  double linger = 0.5;  // stay so long after the last one, to see duplicates
  bool unordered = false;
  bool allow_duplicates = false;
};

// What became of each number.
class Ledger {
 public:
  explicit Ledger(const Options& options) : last_(options.connections, -1) {
    for (std::uint32_t c = 0; c < options.connections; ++c) {
      seen_.emplace_back((options.count + options.connections - 1 - c) / options.connections, false);
    }
  }

  void see(std::string_view line) {
    ++lines_;
    const auto id = read_mark(line);
    if (!id || id->connection >= seen_.size() || id->number >= seen_[id->connection].size()) {
      ++invented_;
      return;
    }
    if (seen_[id->connection][id->number]) {
      ++duplicates_;
      return;
    }
    seen_[id->connection][id->number] = true;
    ++unique_;
    std::int64_t& last = last_[id->connection];
    if (static_cast<std::int64_t>(id->number) < last) {
      ++out_of_order_;
    } else {
      last = static_cast<std::int64_t>(id->number);
    }
  }

  std::uint64_t unique() const { return unique_; }

  bool report(const Options& options, double seconds, std::uint64_t broken) const {
    const std::uint64_t lost = options.count - unique_;
    fmt::print(
        "{{\"expected\":{},\"lines\":{},\"lost\":{},\"duplicated\":{},\"out_of_order\":{},\"invented\":{},"
        "\"broken_frames\":{},\"seconds\":{:.3f}}}\n",
        options.count, lines_, lost, duplicates_, out_of_order_, invented_, broken, seconds);
    return lost == 0 && invented_ == 0 && broken == 0 && (duplicates_ == 0 || options.allow_duplicates) &&
           (out_of_order_ == 0 || options.unordered || options.udp);
  }

 private:
  std::vector<std::vector<bool>> seen_;
  std::vector<std::int64_t> last_;
  std::uint64_t lines_ = 0, unique_ = 0, duplicates_ = 0, out_of_order_ = 0, invented_ = 0;
};

// Takes a stream apart: octet-counted when it begins with a digit, else line by line.
class Reader {
 public:
  explicit Reader(int fd) : fd_(fd), buffer_(1 << 20, '\0') {}

  int fd() const { return fd_; }

  // False when the stream ended.
  bool take(Ledger& ledger, std::uint64_t& broken) {
    const ssize_t got = read(fd_, buffer_.data() + held_, buffer_.size() - held_);
    if (got <= 0) return got < 0 && (errno == EINTR || errno == EAGAIN);
    held_ += static_cast<std::size_t>(got);
    std::string_view rest(buffer_.data(), held_);
    if (!decided_) counted_ = rest[0] >= '1' && rest[0] <= '9';
    decided_ = true;
    while (counted_ ? take_counted(rest, ledger, broken) : take_line(rest, ledger)) {
    }
    held_ = rest.size();
    std::memmove(buffer_.data(), rest.data(), held_);
    if (held_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);
    return true;
  }

  void finish(std::uint64_t& broken) {
    if (held_ > 0) ++broken;  // a frame that never ended
    close(fd_);
  }

 private:
  bool take_line(std::string_view& rest, Ledger& ledger) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return false;
    if (end > 0) ledger.see(unescape(rest.substr(0, end)));
    rest.remove_prefix(end + 1);
    return true;
  }

  // Outputs with one line for each record write backslashes and control characters as \xHH.
  std::string_view unescape(std::string_view line) {
    if (line.find('\\') == std::string_view::npos) return line;
    plain_.clear();
    while (!line.empty()) {
      std::uint8_t byte = 0;
      if (line.size() >= 4 && line[0] == '\\' && line[1] == 'x' &&
          std::from_chars(line.data() + 2, line.data() + 4, byte, 16).ptr == line.data() + 4) {
        plain_.push_back(static_cast<char>(byte));
        line.remove_prefix(4);
      } else {
        plain_.push_back(line[0]);
        line.remove_prefix(1);
      }
    }
    return plain_;
  }

  static bool take_counted(std::string_view& rest, Ledger& ledger, std::uint64_t& broken) {
    const std::size_t blank = rest.substr(0, 12).find(' ');
    if (blank == std::string_view::npos) return false;
    std::size_t length = 0;
    const auto part = std::from_chars(rest.data(), rest.data() + blank, length);
    if (part.ec != std::errc() || part.ptr != rest.data() + blank) {
      ++broken;
      rest = {};
      return false;
    }
    if (rest.size() < blank + 1 + length) return false;
    ledger.see(rest.substr(blank + 1, length));
    rest.remove_prefix(blank + 1 + length);
    return true;
  }

  int fd_;
  std::string buffer_;
  std::string plain_;
  std::size_t held_ = 0;
  bool decided_ = false, counted_ = false;
};

int open_port(const Options& options) {
  const int fd = socket(AF_INET, (options.udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
  const int on = 1, buffer = 32 << 20;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (options.udp && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);  // only root may go past net.core.rmem_max
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
  if (!options.udp && listen(fd, 1024) != 0) return -1;
  return fd;
}

double since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

class Sink {
 public:
  explicit Sink(const Options& options) : options_(options), ledger_(options) {}

  int run() {
    if (!options_.file.empty()) return run_file();
    const int listener = open_port(options_);
    if (listener < 0) {
      fmt::print(stderr, "thorlog_sink: port {}: {}\n", options_.port, strerror(errno));
      return 2;
    }
    fmt::print(stderr, "ready\n");
    while (!over()) turn(listener);
    for (Reader& reader : readers_) reader.finish(broken_);
    return ledger_.report(options_, std::chrono::duration<double>(last_new_ - first_).count(), broken_) ? 0 : 1;
  }

 private:
  int run_file() {
    const int fd = open(options_.file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      fmt::print(stderr, "thorlog_sink: {}: {}\n", options_.file, strerror(errno));
      return 2;
    }
    Reader reader(fd);
    while (reader.take(ledger_, broken_)) {
    }
    reader.finish(broken_);
    return ledger_.report(options_, 0, broken_) ? 0 : 1;
  }

  bool over() const {
    if (!heard_) return since(begun_) > 60;
    if (ledger_.unique() == options_.count) return since(last_new_) > options_.linger;
    return since(last_any_) > options_.idle;
  }

  void turn(int listener) {
    std::vector<pollfd> wait{{listener, POLLIN, 0}};
    for (const Reader& reader : readers_) wait.push_back({reader.fd(), POLLIN, 0});
    if (poll(wait.data(), wait.size(), 50) <= 0) return;
    const std::uint64_t before = ledger_.unique();
    if (options_.udp) {
      receive_datagrams(listener);
    } else {
      for (std::size_t i = wait.size(); i-- > 1;) {
        if (wait[i].revents != 0 && !readers_[i - 1].take(ledger_, broken_)) {
          readers_[i - 1].finish(broken_);
          readers_.erase(readers_.begin() + static_cast<std::ptrdiff_t>(i) - 1);
        }
      }
      if (wait[0].revents != 0)
        readers_.emplace_back(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    }
    last_any_ = Clock::now();
    if (!heard_) first_ = last_any_;
    heard_ = true;
    if (ledger_.unique() > before) last_new_ = last_any_;
  }

  void receive_datagrams(int fd) {
    datagram_.resize(65536);
    for (int i = 0; i < 1000; ++i) {
      const ssize_t got = recv(fd, datagram_.data(), datagram_.size(), MSG_DONTWAIT);
      if (got < 0) return;
      ledger_.see({datagram_.data(), static_cast<std::size_t>(got)});
    }
  }

  const Options& options_;
  Ledger ledger_;
  std::vector<Reader> readers_;
  std::string datagram_;
  std::uint64_t broken_ = 0;
  bool heard_ = false;
  Clock::time_point begun_ = Clock::now(), first_, last_new_ = begun_, last_any_ = begun_;
};

}  // namespace
}  // namespace thorlog::bench

int main(int argc, char** argv) {
  thorlog::bench::Options options;
  CLI::App app("Checks what thorlog_load sent: each number once, in order, unaltered.");
  app.add_option("--port", options.port, "port to listen on, on 127.0.0.1");
  app.add_flag("--udp", options.udp, "datagrams");
  app.add_option("--file", options.file, "check a file of raw lines instead");
  app.add_option("--count", options.count, "messages that were sent")->required()->check(CLI::PositiveNumber);
  app.add_option("--connections", options.connections, "connections they were sent over")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_option("--idle", options.idle, "end after so many seconds without a byte")->capture_default_str();
  app.add_option("--linger", options.linger, "stay so long after the last one, to see duplicates")
      ->capture_default_str();
  app.add_flag("--unordered", options.unordered, "the order does not matter");
  app.add_flag("--allow-duplicates", options.allow_duplicates, "at least once is enough");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.port == 0 && options.file.empty()) {
    fmt::print(stderr, "thorlog_sink: say --port or --file\n");
    return 2;
  }
  return thorlog::bench::Sink(options).run();
}
