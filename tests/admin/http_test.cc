#include "admin/http.h"

#include <gtest/gtest.h>

namespace thorlog {
namespace {

using State = HttpReader::State;

constexpr std::string_view kSimple =
    "GET /api/v1/events?kind=thor&scan=S-a%2Db+c HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST(HttpReader, GivesTheSameRequestHoweverTheBytesAreCut) {
  for (std::size_t cut = 0; cut <= kSimple.size(); ++cut) {
    HttpReader reader(1000);
    State state = cut == 0 ? State::need_more : reader.feed(kSimple.substr(0, cut));
    if (cut < kSimple.size()) {
      EXPECT_EQ(state, State::need_more) << "cut at " << cut;
      state = reader.feed(kSimple.substr(cut));
    }
    ASSERT_EQ(state, State::complete) << "cut at " << cut;
    EXPECT_EQ(reader.request().method, "GET");
    EXPECT_EQ(reader.request().path, "/api/v1/events");
    EXPECT_EQ(reader.request().parameter("kind"), "thor");
    EXPECT_EQ(reader.request().parameter("scan"), "S-a-b c");
    EXPECT_TRUE(reader.request().keep_alive);
  }
}

TEST(HttpReader, ReadsBodiesByLengthAndByChunks) {
  HttpReader by_length(1000);
  ASSERT_EQ(by_length.feed("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"), State::complete);
  EXPECT_EQ(by_length.request().body, "hello");
  HttpReader by_chunks(1000);
  ASSERT_EQ(by_chunks.feed("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), State::need_more);
  ASSERT_EQ(by_chunks.feed("3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"), State::complete);
  EXPECT_EQ(by_chunks.request().body, "hello");
}

TEST(HttpReader, GoesOnWithTheNextRequestOfTheConnection) {
  HttpReader reader(1000);
  ASSERT_EQ(reader.feed("GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n"), State::complete);
  EXPECT_EQ(reader.request().path, "/a");
  ASSERT_EQ(reader.reset(), State::complete);
  EXPECT_EQ(reader.request().path, "/b");
  EXPECT_EQ(reader.reset(), State::need_more);
}

struct Refused {
  const char* why;
  std::string bytes;
  int status;
};

class HttpRefused : public testing::TestWithParam<Refused> {};

TEST_P(HttpRefused, IsRefusedBeforeAnythingIsFramedByIt) {
  HttpReader reader(100);
  EXPECT_EQ(reader.feed(GetParam().bytes), State::refused) << GetParam().why;
  EXPECT_EQ(reader.refused_status(), GetParam().status) << GetParam().why;
}

const std::string kPost = "POST / HTTP/1.1\r\nHost: a\r\n";

INSTANTIATE_TEST_SUITE_P(
    Smuggling, HttpRefused,
    testing::Values(
        Refused{"length and chunks", kPost + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        Refused{"two lengths", kPost + "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", 400},
        Refused{"another coding", kPost + "Transfer-Encoding: gzip, chunked\r\n\r\n", 400},
        Refused{"identity", kPost + "Transfer-Encoding: identity\r\n\r\n", 400},
        Refused{"chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        Refused{"folded header", kPost + "X: a\r\n b\r\n\r\n", 400},
        Refused{"blank before the colon", kPost + "Content-Length : 3\r\n\r\n", 400},
        Refused{"line feed alone", kPost + "X: a\nContent-Length: 3\r\n\r\n", 400},
        Refused{"no colon", kPost + "nonsense\r\n\r\n", 400},
        Refused{"no HTTP", "<190>Oct  8 11:37:54 a THOR: Info: x\r\n\r\n", 400},
        Refused{"a body over the limit", kPost + "Content-Length: 101\r\n\r\n" + std::string(101, 'x'), 413},
        Refused{"a header over the limit", kPost + "X: " + std::string(17000, 'x'), 431},
        Refused{"a broken escape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"an escape cut short", "GET /%2 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"another server's target", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400}));

TEST(HttpResponse, SaysItsLengthAndThatTheConnectionEnds) {
  const std::string bytes = HttpResponse::problem(404, "no \"such\" page").serialize(true);
  EXPECT_TRUE(bytes.starts_with("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_NE(bytes.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(bytes.ends_with("\r\n\r\n{\"error\":\"no \\\"such\\\" page\"}\n"));
}

}  // namespace
}  // namespace thorlog
