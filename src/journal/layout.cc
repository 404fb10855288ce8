#include "journal/layout.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include "thorlog/result.h"

namespace thorlog {
namespace {

void fill_random(void* to, std::size_t size) {
  // Up to 256 bytes come whole (getrandom(2)), so there is nothing to repeat but an interruption at early boot.
  while (::getrandom(to, size, 0) != static_cast<ssize_t>(size)) THORLOG_ASSERT(errno == EINTR);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string to_text(const Uuid& uuid) {
  std::string text;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", static_cast<unsigned>(uuid[i]));
  }
  return text;
}

Uuid random_uuid() {
  Uuid uuid;
  fill_random(uuid.data(), uuid.size());
  uuid[6] = (uuid[6] & std::byte{0x0f}) | std::byte{0x40};
  uuid[8] = (uuid[8] & std::byte{0x3f}) | std::byte{0x80};
  return uuid;
}

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  while (value == 0) fill_random(&value, sizeof value);
  return value;
}

Uuid boot_id() {
  Uuid uuid{};
  const int fd = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return uuid;
  char text[64];
  const ssize_t size = ::read(fd, text, sizeof text);
  ::close(fd);
  std::size_t digits = 0;
  for (ssize_t i = 0; i < size && digits < 32; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) continue;
    uuid[digits / 2] = (uuid[digits / 2] << 4) | static_cast<std::byte>(digit);
    ++digits;
  }
  return uuid;
}

bool is_batch_header(const std::byte* at, std::uint64_t offset, const Checksum& checksum,
                     BatchHeader& header) noexcept {
  std::memcpy(&header, at, sizeof header);
  return header.magic == kBatchMagic && header.version == kBatchVersion && header.base_offset == offset &&
         header.bytes > sizeof(BatchHeader) && header.bytes % 8 == 0 && header.count > 0 &&
         header.count <= header.bytes / sizeof(RecordHeader) && is_sealed(header, checksum);
}

}  // namespace thorlog
