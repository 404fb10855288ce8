#include "outputs/kafka_header_pool.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace thorlog {
namespace {

using Header = KafkaHeaderPool::Header;
using List = KafkaHeaderPool::List;
using Texts = std::map<std::string, std::string>;

constexpr std::array<std::string_view, 3> kNames = {"id", "level", "module"};

Texts texts_of(const List& list) {
  Texts texts;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(list.headers, i, &name, &value, &size) == 0; ++i) {
    texts[name] = std::string(static_cast<const char*>(value), size);
  }
  return texts;
}

TEST(KafkaHeaderPool, AListIsUsedAgainForValuesOfTheSameLengths) {
  KafkaHeaderPool pool(kNames);
  const List first = pool.make(std::array<Header, 2>{{{0, "0-100"}, {1, "alert"}}});
  rd_kafka_headers_t* const was = first.headers;
  pool.take_back(first);
  EXPECT_EQ(pool.idle(), 1U);
  const List second = pool.make(std::array<Header, 2>{{{0, "0-227"}, {1, "error"}}});
  EXPECT_EQ(second.headers, was);
  EXPECT_EQ(texts_of(second), (Texts{{"id", "0-227"}, {"level", "error"}}));
  EXPECT_EQ(pool.idle(), 0U);
  pool.take_back(second);
}

TEST(KafkaHeaderPool, OtherNamesOrLengthsGetAListOfTheirOwn) {
  KafkaHeaderPool pool(kNames);
  pool.take_back(pool.make(std::array<Header, 2>{{{0, "0-100"}, {1, "alert"}}}));
  const List longer = pool.make(std::array<Header, 2>{{{0, "0-1000"}, {1, "alert"}}});
  const List other = pool.make(std::array<Header, 2>{{{0, "0-100"}, {2, "mutex"}}});
  const List fewer = pool.make(std::array<Header, 1>{{{0, "0-100"}}});
  const List empty = pool.make(std::array<Header, 2>{{{0, "0-100"}, {1, ""}}});
  EXPECT_EQ(pool.idle(), 1U);
  EXPECT_EQ(texts_of(longer), (Texts{{"id", "0-1000"}, {"level", "alert"}}));
  EXPECT_EQ(texts_of(other), (Texts{{"id", "0-100"}, {"module", "mutex"}}));
  EXPECT_EQ(texts_of(fewer), (Texts{{"id", "0-100"}}));
  EXPECT_EQ(texts_of(empty), (Texts{{"id", "0-100"}, {"level", ""}}));
  for (const List& list : {longer, other, fewer, empty}) pool.take_back(list);
}

TEST(KafkaHeaderPool, WhatLiesIdleIsBounded) {
  KafkaHeaderPool pool(kNames, {.shapes = 8, .idle = 3});
  std::vector<List> out;
  for (int i = 0; i < 5; ++i) out.push_back(pool.make(std::array<Header, 1>{{{0, "0-100"}}}));
  for (const List& list : out) {
    pool.take_back(list);
    EXPECT_LE(pool.idle(), 3U);
  }
  EXPECT_GT(pool.idle(), 0U);
  pool.clear();
  EXPECT_EQ(pool.idle(), 0U);
}

TEST(KafkaHeaderPool, AListWhoseShapeWasForgottenIsNotTakenForAnother) {
  KafkaHeaderPool pool(kNames, {.shapes = 2, .idle = 100});
  std::vector<List> out;
  std::string value;
  for (int round = 0; round < 7; ++round) {
    value += 'x';
    out.push_back(pool.make(std::array<Header, 1>{{{0, value}}}));
  }
  for (const List& list : out) pool.take_back(list);
  EXPECT_EQ(pool.idle(), 1U) << "of the last shape alone; the one before it was the second of two";
  for (const std::string_view text : {"y", "yy", "yyy", "yyyy", "yyyyy", "yyyyyy", "yyyyyyy"}) {
    const List list = pool.make(std::array<Header, 1>{{{0, text}}});
    EXPECT_EQ(texts_of(list), (Texts{{"id", std::string(text)}}));
    pool.take_back(list);
  }
}

}  // namespace
}  // namespace thorlog
