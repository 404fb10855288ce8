#include "outputs/kafka_header_pool.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "thorlog/result.h"

namespace thorlog {
namespace {

constexpr std::size_t kLongest = (1U << 24) - 1;  // a name's number and a length share 32 bits

// librdkafka has copied the value into memory of the header's own and reads it when it sends: until then other bytes
// may stand there, but not more or fewer.
void write_over(rd_kafka_headers_t& list, std::span<const KafkaHeaderPool::Header> headers) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    THORLOG_ASSERT(rd_kafka_header_get_all(&list, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR);
    THORLOG_ASSERT(size == headers[i].value.size());
    if (size != 0) std::memcpy(const_cast<void*>(value), headers[i].value.data(), size);
  }
}

}  // namespace

bool KafkaHeaderPool::Shape::operator==(const Shape& other) const noexcept {
  return count == other.count && std::equal(headers.begin(), headers.begin() + count, other.headers.begin());
}

std::size_t KafkaHeaderPool::Hash::operator()(const Shape& shape) const noexcept {
  return XXH3_64bits(shape.headers.data(), shape.count * sizeof shape.headers[0]);
}

KafkaHeaderPool::List KafkaHeaderPool::make(std::span<const Header> headers) {
  THORLOG_ASSERT(headers.size() <= kMostHeaders);
  Shape shape;
  for (const Header& header : headers) {
    if (header.value.size() > kLongest) return {make_anew(headers), kNoShape};
    const std::uint32_t length = static_cast<std::uint32_t>(header.value.size());
    shape.headers[shape.count++] = std::uint32_t{header.name} << 24 | length;
  }
  const std::uint32_t number = number_of(shape);
  auto& lists = lists_[number - first_];
  if (lists.empty()) return {make_anew(headers), number};
  rd_kafka_headers_t* list = lists.back();
  lists.pop_back();
  --idle_;
  write_over(*list, headers);
  return {list, number};
}

std::uint32_t KafkaHeaderPool::number_of(const Shape& shape) {
  if (const auto found = numbers_.find(shape); found != numbers_.end()) return found->second;
  if (lists_.size() >= limits_.shapes) forget_shapes();
  const std::uint32_t number = first_ + static_cast<std::uint32_t>(lists_.size());
  lists_.emplace_back();
  numbers_.emplace(shape, number);
  return number;
}

rd_kafka_headers_t* KafkaHeaderPool::make_anew(std::span<const Header> headers) const {
  rd_kafka_headers_t* list = rd_kafka_headers_new(headers.size());
  for (const auto& [name, value] : headers) {
    const std::string_view text = names_[name];
    // Fails only without memory for it.
    THORLOG_ASSERT(rd_kafka_header_add(list, text.data(), static_cast<ssize_t>(text.size()), value.data(),
                                       static_cast<ssize_t>(value.size())) == RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  return list;
}

void KafkaHeaderPool::take_back(List list) {
  const std::uint32_t index = list.shape - first_;  // a forgotten one is far above
  if (list.shape == kNoShape || index >= lists_.size()) return rd_kafka_headers_destroy(list.headers);
  // What lies there is of shapes that don't come any more, or as much as comes at once: begin anew.
  if (idle_ >= limits_.idle) clear();
  lists_[index].push_back(list.headers);
  ++idle_;
}

void KafkaHeaderPool::clear() {
  for (auto& lists : lists_) {
    for (rd_kafka_headers_t* list : lists) rd_kafka_headers_destroy(list);
    lists = {};
  }
  idle_ = 0;
}

void KafkaHeaderPool::forget_shapes() {
  clear();
  first_ += static_cast<std::uint32_t>(lists_.size());
  lists_.clear();
  numbers_.clear();
}

}  // namespace thorlog
