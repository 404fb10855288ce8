// Lists of headers that are used again. librdkafka asks for a piece of memory for each header and frees them all with
// the record: with ten headers that was half of what the output cost. So the list of a record that has arrived is
// taken out of its report, and the next record that has the same headers with values of the same lengths is written
// over it. One thread.
#pragma once

#include <librdkafka/rdkafka.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace thorlog {

class KafkaHeaderPool {
 public:
  static constexpr std::size_t kMostHeaders = 20;
  struct Header {
    std::uint8_t name;  // which of the names
    std::string_view value;
  };
  struct List {
    rd_kafka_headers_t* headers = nullptr;
    std::uint32_t shape = kNoShape;  // what take_back() needs to know of it
  };
  struct Limits {
    std::size_t shapes = 2048;
    std::size_t idle = 16'384;  // lists
  };

  // The names must outlive it.
  KafkaHeaderPool(std::span<const std::string_view> names, Limits limits) : names_(names), limits_(limits) {}
  explicit KafkaHeaderPool(std::span<const std::string_view> names) : KafkaHeaderPool(names, Limits()) {}
  KafkaHeaderPool(const KafkaHeaderPool&) = delete;
  KafkaHeaderPool& operator=(const KafkaHeaderPool&) = delete;
  ~KafkaHeaderPool() { clear(); }

  // At most kMostHeaders. The caller owns the list, until a produce call has taken it over.
  List make(std::span<const Header> headers);
  // Of a record that is done with: the list belongs to nobody else.
  void take_back(List list);
  // Gives back the memory; lists that are out keep their shape.
  void clear();
  std::size_t idle() const noexcept { return idle_; }

 private:
  static constexpr std::uint32_t kNoShape = UINT32_MAX;
  // Name and length of each header: what a list must agree in to be written over.
  struct Shape {
    std::array<std::uint32_t, kMostHeaders> headers{};
    std::uint32_t count = 0;

    bool operator==(const Shape& other) const noexcept;
  };
  struct Hash {
    std::size_t operator()(const Shape& shape) const noexcept;
  };

  std::uint32_t number_of(const Shape& shape);
  rd_kafka_headers_t* make_anew(std::span<const Header> headers) const;
  void forget_shapes();

  std::span<const std::string_view> names_;
  Limits limits_;
  std::unordered_map<Shape, std::uint32_t, Hash> numbers_;
  std::uint32_t first_ = 0;  // number of the first shape that is known; those before it were forgotten
  std::vector<std::vector<rd_kafka_headers_t*>> lists_;  // idle ones, by the shape's number less `first_`
  std::size_t idle_ = 0;
};

}  // namespace thorlog
