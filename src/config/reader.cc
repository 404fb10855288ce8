#include "config/reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "config/units.h"

namespace thorlog {
namespace {

constexpr int kPipePatience = 2'000;              // ms
constexpr std::size_t kMaxValueFile = 64U << 10;  // of `{ file: PATH }`: secrets and single values

std::string_view kind_text(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      return "nothing";
    case YamlNode::Kind::scalar:
      return "a single value";
    case YamlNode::Kind::list:
      return "a list";
    case YamlNode::Kind::map:
      return "a block of keys";
  }
  return "";
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string system_text(int error) { return std::generic_category().message(error); }

}  // namespace

Result<std::string> read_text_file(const std::string& path, std::size_t limit) {
  // O_NONBLOCK: a pipe that nobody writes to must not hang us, in a reload least of all.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return fail({Errc::config, fmt::format("can't be read: {}", system_text(errno))});
  struct stat info {};
  if (::fstat(file.get(), &info) == 0 && S_ISDIR(info.st_mode))
    return fail({Errc::config, "is a folder, not a file"});
  std::string bytes(limit + 1, '\0');
  std::size_t length = 0;
  while (length < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + length, bytes.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) {
      pollfd waiting{file.get(), POLLIN, 0};
      if (::poll(&waiting, 1, kPipePatience) > 0) continue;
    }
    if (got < 0) return fail({Errc::config, fmt::format("can't be read: {}", system_text(errno))});
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  if (length > limit) return fail({Errc::config, fmt::format("is longer than {}", size_text(limit))});
  bytes.resize(length);
  return bytes;
}

bool is_reference(const YamlNode& node) noexcept {
  return node.is(YamlNode::Kind::map) && node.entries.size() == 1 &&
         (node.entries[0].key == "env" || node.entries[0].key == "file") &&
         node.entries[0].value.is(YamlNode::Kind::scalar);
}

void Reader::error(Place place, std::string text) {
  if (errors_.size() < kMaxConfigErrors) errors_.push_back({file_, place.line, place.column, std::move(text)});
}

void Reader::unknown(Place place, std::string_view what, std::string_view given,
                     std::span<const std::string_view> known, std::string_view of) {
  const std::string_view near = nearest_name(given, known);
  const std::string_view shown = given.substr(0, 80);
  if (near.empty())
    error(place, fmt::format("unknown {} '{}'{}: use {}", what, shown, of, one_of(known)));
  else
    error(place, fmt::format("unknown {} '{}'{}: did you mean '{}'?", what, shown, of, near));
}

std::optional<Scalar> Reader::scalar(const YamlNode& node, std::string_view key, std::string_view wanted) {
  if (node.is(YamlNode::Kind::scalar)) return Scalar{node.text, node.place};
  if (is_reference(node)) {
    const YamlEntry& entry = node.entries[0];
    const Scalar name{entry.value.text, entry.value.place};
    return entry.key == "env" ? from_environment(name) : from_file(name);
  }
  error(node.place, fmt::format("'{}' must be {}, not {}", key, wanted, kind_text(node)));
  return std::nullopt;
}

std::vector<Scalar> Reader::scalars(const YamlNode& node, std::string_view key, std::string_view wanted) {
  std::vector<Scalar> found;
  if (!node.is(YamlNode::Kind::list)) {
    if (auto one = scalar(node, key, wanted)) found.push_back(*std::move(one));
    return found;
  }
  for (const auto& item : node.items)
    if (auto one = scalar(item, key, wanted)) found.push_back(*std::move(one));
  return found;
}

bool Reader::expect_map(const YamlNode& node, std::string_view key) {
  if (node.is(YamlNode::Kind::map)) return true;
  error(node.place, fmt::format("'{}' must be a block of keys, not {}", key, kind_text(node)));
  return false;
}

std::optional<Scalar> Reader::from_environment(const Scalar& name) {
  const char* value = std::getenv(name.text.c_str());  // NOLINT(concurrency-mt-unsafe): nobody here sets any
  if (value != nullptr) return Scalar{value, name.place};
  error(name.place, fmt::format("the environment variable '{}' is not set", name.text));
  return std::nullopt;
}

std::optional<Scalar> Reader::from_file(const Scalar& path) {
  auto bytes = read_text_file(path.text, kMaxValueFile);
  if (!bytes) {
    error(path.place, fmt::format("'{}' {}", path.text, bytes.error().doing));
    return std::nullopt;
  }
  // Files of one value end with a line break that is not meant.
  if (bytes->ends_with('\n')) bytes->pop_back();
  if (bytes->ends_with('\r')) bytes->pop_back();
  if (bytes->find('\0') == std::string::npos) return Scalar{*std::move(bytes), path.place};
  error(path.place, fmt::format("'{}' holds a NUL byte: this is no text file", path.text));
  return std::nullopt;
}

void Reader::check_readable(const Scalar& path) {
  const Descriptor file(::open(path.text.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (file.get() < 0)
    error(path.place, fmt::format("'{}' can't be read: {}", path.text, system_text(errno)));
  else if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
    error(path.place, fmt::format("'{}' is no file", path.text));
}

void Reader::check_folder(const Scalar& path) {
  const Descriptor folder(::open(path.text.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  if (folder.get() < 0)
    error(path.place, fmt::format("'{}' can't be read as a folder: {}", path.text, system_text(errno)));
}

}  // namespace thorlog
