#include "journal/segment.h"

#include <fmt/format.h>

#include <charconv>

namespace thorlog {
namespace {

constexpr std::string_view kSuffix = ".seg";
constexpr std::size_t kDigits = 20;

Status write_block(File& file, std::uint64_t at, const void* data, std::size_t size, FaultPoint point) {
  const iovec part{const_cast<void*>(data), size};  // NOLINT: iovec has no const form
  return file.write_at(at, {&part, 1}, point, nullptr);
}

Status fill_new_segment(FileSystem& files, const std::string& folder, File& file, const SegmentHeader& header) {
  if (auto done = file.allocate(header.reserved_bytes, FaultPoint::seg_fallocate); !done) return done;
  if (auto done = write_block(file, 0, &header, sizeof header, FaultPoint::seg_header); !done) return done;
  if (auto done = file.sync_data(FaultPoint::sync); !done) return done;
  return files.sync_folder(folder, FaultPoint::dir_sync);
}

}  // namespace

std::string segment_name(std::uint64_t base) { return fmt::format("{:020}{}", base, kSuffix); }

std::optional<std::uint64_t> base_of_segment_name(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  std::uint64_t base = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, base);
  if (error != std::errc() || end != name.data() + kDigits) return std::nullopt;
  return base;
}

Result<std::shared_ptr<File>> create_segment(FileSystem& files, const std::string& folder,
                                             const SegmentHeader& header) {
  const std::string path = folder + "/" + segment_name(header.base_offset);
  auto file = files.open(path, FileSystem::Open::create_new, FaultPoint::seg_create);
  if (!file) return fail(std::move(file).error());
  if (auto filled = fill_new_segment(files, folder, **file, header); !filled) {
    file->reset();
    [[maybe_unused]] const bool removed = files.remove(path, FaultPoint::none).has_value();  // else recovery does
    return fail(std::move(filled).error());
  }
  return std::shared_ptr<File>(*std::move(file));
}

Status rewrite_header(File& file, const SegmentHeader& header) {
  return write_block(file, 0, &header, sizeof header, FaultPoint::seg_header);
}

Status seal_segment(File& file, Segment& segment, const Checksum& checksum) {
  if (auto synced = file.sync_data(FaultPoint::sync); !synced) return synced;
  SegmentFooter footer;
  footer.partition = segment.partition;
  footer.end = segment.end;
  footer.last_seq = segment.end_seq - 1;
  footer.min_time = segment.min_time;
  footer.max_time = segment.max_time;
  footer.last_stored = segment.last_stored;
  footer.records = segment.records;
  seal_header(footer, checksum);
  const std::uint64_t position = segment.end - segment.base;
  if (auto wrote = write_block(file, position, &footer, sizeof footer, FaultPoint::seal); !wrote) return wrote;
  if (auto cut = file.truncate(position + kSegmentFooterSize); !cut) return cut;
  if (auto synced = file.sync_data(FaultPoint::sync); !synced) return synced;
  segment.sealed = true;
  segment.disk_bytes = position + kSegmentFooterSize;
  return ok();
}

Result<std::optional<SegmentHeader>> read_header(const File& file, const Checksum& checksum) {
  SegmentHeader header;
  auto size = file.read_at(0, &header, sizeof header);
  if (!size) return fail(std::move(size).error());
  const bool sound = *size == sizeof header && header.magic == kSegmentMagic && header.version == kFormatVersion &&
                     header.reserved_bytes >= kSegmentHeaderSize + kSegmentFooterSize &&
                     header.reserved_bytes <= std::numeric_limits<std::uint64_t>::max() - header.base_offset &&
                     is_sealed(header, checksum);
  if (!sound) return std::optional<SegmentHeader>();
  return std::optional<SegmentHeader>(header);
}

Result<std::optional<SegmentFooter>> read_footer(const File& file, std::uint64_t base, const Checksum& checksum) {
  auto size = file.size();
  if (!size) return fail(std::move(size).error());
  if (*size < kSegmentHeaderSize + kSegmentFooterSize) return std::optional<SegmentFooter>();
  SegmentFooter footer;
  auto got = file.read_at(*size - kSegmentFooterSize, &footer, sizeof footer);
  if (!got) return fail(std::move(got).error());
  const bool sound = *got == sizeof footer && footer.magic == kFooterMagic &&
                     footer.end == base + *size - kSegmentFooterSize && is_sealed(footer, checksum);
  if (!sound) return std::optional<SegmentFooter>();
  return std::optional<SegmentFooter>(footer);
}

}  // namespace thorlog
