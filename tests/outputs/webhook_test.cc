// The parts of a webhook without a network: bodies, signatures, judgements, the queue, storms, rates. What needs a
// server is in tests/system/test_webhook.py.
#include <gmock/gmock.h>

#include <random>

#include "outputs/event_view.h"
#include "outputs/host_rate.h"
#include "outputs/webhook_answer.h"
#include "outputs/webhook_body.h"
#include "outputs/webhook_people.h"
#include "outputs/webhook_queue.h"
#include "outputs/webhook_signature.h"
#include "outputs/webhook_storm.h"
#include "support.h"
#include "wire/escape.h"

namespace thorlog {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// ---- signatures

// The HMAC of RFC 4231 has no stamp and no dot; its test cases are split where a dot stands, so these come from
// `printf 'STAMP.BODY' | openssl dgst -sha256 -hmac KEY`.
TEST(WebhookSignature, IsHmacSha256OverStampDotBody) {
  EXPECT_EQ(hmac_sha256_hex("0123456789abcdef", "1700000000", R"({"a":1})"),
            "9eb18f493f8ec135d9eb2dad817c369bb4e9cbfa818657897a7437c1cd8c3a23");
  const std::vector<std::string> keys = {"0123456789abcdef", "fedcba9876543210"};
  EXPECT_EQ(signature_of(keys, "1700000000", ""),
            "sha256=3e0153239c488f9cbe8103099169ba4aa1fb4c71fee92bb6f1fc768e7ebdcfe0,"
            "sha256=28c32accc515581dbff328ba4722129c7f9c1db38d12a94ec8f0182fa409fba7");
}

// ---- judgements

Outcome outcome(long status, CURLcode result = CURLE_OK, bool cut = false) {
  HttpAnswer answer;
  answer.status = status;
  answer.result = result;
  answer.cut = cut;
  return judge(answer).outcome;
}

TEST(WebhookAnswer, IsJudgedAsSpecified) {
  for (const long status : {200, 201, 202, 204}) EXPECT_EQ(outcome(status), Outcome::delivered) << status;
  for (const long status : {408, 409, 425, 429, 500, 502, 503, 504, 599})
    EXPECT_EQ(outcome(status), Outcome::retry) << status;
  for (const long status : {301, 302, 307, 308, 401, 402, 403, 404, 405, 407, 410, 415, 431, 451})
    EXPECT_EQ(outcome(status), Outcome::hold) << status;
  for (const long status : {400, 413, 422}) EXPECT_EQ(outcome(status), Outcome::refused) << status;
  for (const CURLcode result : {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT,
                                CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE})
    EXPECT_EQ(outcome(0, result), Outcome::retry) << result;
  EXPECT_EQ(outcome(0, CURLE_PEER_FAILED_VERIFICATION), Outcome::hold);
  EXPECT_EQ(outcome(0, CURLE_SSL_CONNECT_ERROR), Outcome::hold);
}

TEST(WebhookAnswer, CountsByItsStatusWhenItIsTooLong) {
  EXPECT_EQ(outcome(200, CURLE_WRITE_ERROR, true), Outcome::delivered);
  EXPECT_EQ(outcome(400, CURLE_WRITE_ERROR, true), Outcome::refused);
  EXPECT_EQ(outcome(200, CURLE_PARTIAL_FILE), Outcome::retry);
  EXPECT_EQ(outcome(0, CURLE_WRITE_ERROR, true), Outcome::retry);
}

TEST(WebhookAnswer, BelievesRetryAfterUpToAnHour) {
  HttpAnswer answer;
  answer.status = 429;
  answer.retry_after_s = 7;
  EXPECT_EQ(judge(answer).wait_s, 7U);
  answer.retry_after_s = 1'000'000;
  EXPECT_EQ(judge(answer).wait_s, kMostRetryAfter);
  answer.status = 400;
  EXPECT_EQ(judge(answer).wait_s, 0U);
}

TEST(WebhookAnswer, ShowsNoControlCharactersOfTheServer) {
  HttpAnswer answer;
  answer.status = 500;
  answer.text = "a\x1b[31m\nb" + std::string(1000, 'x');
  const std::string text = judge(answer).text;
  EXPECT_THAT(text, HasSubstr(R"(HTTP 500, a\x1B[31m\x0Ab)"));
  EXPECT_LT(text.size(), 300U);
}

// ---- the queue

WebhookEvent event_of(std::uint64_t number) {
  WebhookEvent event;
  event.number = number;
  event.seqs = {number};
  event.piece = std::to_string(number);
  return event;
}

std::vector<std::uint64_t> numbers(const WebhookPost& post) {
  std::vector<std::uint64_t> found;
  for (const auto& event : post) found.push_back(event.number);
  return found;
}

TEST(WebhookQueue, LowWaterWaitsForTheOldest) {
  WebhookQueue queue;
  for (int i = 0; i < 4; ++i) queue.add(event_of(queue.take()));
  EXPECT_EQ(queue.low_water(), 0U);
  const auto first = queue.next(2);
  const auto second = queue.next(2);
  queue.delivered(second);
  EXPECT_EQ(queue.low_water(), 0U);
  queue.delivered(first);
  EXPECT_EQ(queue.low_water(), 4U);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0U);
}

TEST(WebhookQueue, BringsFailedPostsBackFirstAndInOrder) {
  WebhookQueue queue;
  for (int i = 0; i < 7; ++i) queue.add(event_of(queue.take()));
  auto a = queue.next(2);
  auto b = queue.next(2);
  queue.retry(std::move(b));
  queue.retry(std::move(a));
  EXPECT_THAT(numbers(queue.next(9)), ElementsAre(1, 2));
  EXPECT_THAT(numbers(queue.next(9)), ElementsAre(3, 4));
  EXPECT_THAT(numbers(queue.next(9)), ElementsAre(5, 6, 7));
}

// A server that refuses every post with a bad event in it: each good one arrives once and in order, each bad one is
// found alone, with no more posts than halving needs.
TEST(WebhookQueue, HalvingFindsEachBadEvent) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    WebhookQueue queue;
    std::vector<bool> bad(101);
    std::size_t bads = 0;
    for (std::uint64_t i = 1; i <= 100; ++i) {
      bad[i] = random() % 100 < static_cast<unsigned>(round % 10);
      bads += bad[i] ? 1 : 0;
      queue.add(event_of(queue.take()));
    }
    std::vector<std::uint64_t> good;
    std::vector<std::uint64_t> parked;
    std::size_t posts = 0;
    while (queue.has_next()) {
      ++posts;
      auto post = queue.next(32);
      bool refused = false;
      for (const auto number : numbers(post)) refused = refused || bad[number];
      if (refused && queue.halve(post)) continue;
      for (const auto number : numbers(post)) (refused ? parked : good).push_back(number);
      queue.delivered(post);
    }
    EXPECT_EQ(good.size() + parked.size(), 100U);
    EXPECT_EQ(parked.size(), bads);
    EXPECT_TRUE(std::is_sorted(good.begin(), good.end()) && std::is_sorted(parked.begin(), parked.end()));
    EXPECT_LE(posts, 4 + 2 * 5 * bads);
    EXPECT_EQ(queue.low_water(), 100U);
  }
}

// ---- storms

constexpr std::int64_t kSecondNs = 1'000'000'000;

Storms::Message message(std::string_view sort, std::uint64_t number) {
  return {sort, number, 1000 + number, "title " + std::to_string(number), "key " + std::to_string(number)};
}

TEST(Storms, FoldWhatComesAfterTheFirstFew) {
  Storms storms({2, 10s});
  EXPECT_EQ(storms.take(message("a", 1), 0), Storms::Took::nothing);
  EXPECT_EQ(storms.take(message("b", 2), 0), Storms::Took::nothing);
  EXPECT_EQ(storms.take(message("a", 3), kSecondNs), Storms::Took::nothing);
  EXPECT_EQ(storms.take(message("a", 4), 2 * kSecondNs), Storms::Took::first);
  for (std::uint64_t i = 5; i < 20; ++i) EXPECT_EQ(storms.take(message("a", i), 3 * kSecondNs), Storms::Took::more);
  EXPECT_FALSE(storms.due(9 * kSecondNs));
  EXPECT_EQ(storms.next_due(), 10 * kSecondNs);
  const auto summary = storms.due(10 * kSecondNs);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->number, 4U);
  EXPECT_EQ(summary->seqs.size(), 16U);
  EXPECT_THAT(summary->first, ElementsAre("title 4", "title 5", "title 6", "title 7", "title 8"));
  EXPECT_FALSE(storms.due(10 * kSecondNs));
  EXPECT_EQ(storms.folded(), 0U);
  EXPECT_EQ(storms.take(message("a", 30), 11 * kSecondNs), Storms::Took::nothing);
}

TEST(Storms, AreBoundedInSortsAndInWhatTheyFold) {
  Storms storms({1, 10s});
  for (std::uint64_t i = 0; i < 1000; ++i) storms.take(message("sort " + std::to_string(i), i), 0);
  std::size_t summaries = 0;
  while (storms.due(0, true)) ++summaries;
  EXPECT_EQ(summaries, 1U);  // of those beyond the bound, all one sort
  for (std::uint64_t i = 0; i < Storms::kMostFolded + 1; ++i) storms.take(message("sort 1", i), 0);
  EXPECT_TRUE(storms.due(0));
}

// ---- rates

TEST(HostRate, LetsABurstThroughAndThenTheRate) {
  const auto host = HostRate::of("https://rate.example");
  EXPECT_EQ(HostRate::of("https://rate.example"), host);
  const RateLimit limit{2, 1s, 3};
  const std::int64_t now = 100 * kSecondNs;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(host->ask(limit, now), 0) << i;
  EXPECT_EQ(host->ask(limit, now), kSecondNs / 2);
  EXPECT_EQ(host->ask(limit, now + kSecondNs / 2), 0);
  EXPECT_GT(host->ask(limit, now + kSecondNs / 2), 0);
  EXPECT_EQ(host->ask({}, now), 0);
}

// ---- bodies

OutputSettings webhook(const std::string& form, std::uint32_t batch = 1) {
  OutputSettings settings;
  settings.name = "hook";
  settings.type = OutputType::webhook;
  settings.url = "https://h/x";
  settings.message_template = form;
  settings.batch = batch;
  return settings;
}

std::string body_of(const std::string& form, const Record& record, std::uint32_t batch = 1) {
  auto body = WebhookBody::make(webhook(form, batch));
  return body->body({body->piece(stored_record(record, "in", "asset-1"))});
}

TEST(WebhookBody, OfABatchIsAList) {
  const std::string line = "a line";
  const Record record = line_record(line);
  EXPECT_TRUE(body_of("json", record).starts_with(R"({"id":"0-0")"));
  const std::string list = body_of("json", record, 2);
  EXPECT_TRUE(list.starts_with(R"([{"id":)") && list.ends_with("}]"));
}

TEST(WebhookBody, ForPeopleHoldsNothingThatActs) {
  const std::string line = "<!here> \x1b[31m \xE2\x80\xAE \n\r\0 & *b* \xff" + std::string(9000, '<');
  Record record = line_record(line);
  record.event.level = Level::alert;
  for (const char* form : {"slack", "teams"}) {
    const std::string body = body_of(form, record);
    EXPECT_EQ(body.find('\x1b'), std::string::npos);
    EXPECT_EQ(body.find("\\u001b"), std::string::npos);
    EXPECT_EQ(body.find("\xE2\x80\xAE"), std::string::npos);
    EXPECT_TRUE(is_valid_utf8(body));
    EXPECT_THAT(body, HasSubstr("[alert] asset-1: "));
  }
  EXPECT_EQ(body_of("slack", record).find('<'), std::string::npos);
}

TEST(ForEyes, CutsAtACharacterAndSaysSo) {
  EXPECT_EQ(for_eyes("short", 10), "short");
  EXPECT_EQ(for_eyes("0123456789abc", 10), "0123456\xE2\x80\xA6");
  for (std::size_t limit = 4; limit < 30; ++limit) {
    const std::string cut =
        for_eyes("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\x1b\x1b", limit);
    EXPECT_LE(cut.size(), limit);
    EXPECT_TRUE(is_valid_utf8(cut)) << limit;
  }
}

TEST(SlackEscape, NeverCutsInsideACharacterOrAnEntity) {
  for (std::size_t most = 10; most < 60; ++most) {
    const std::string cut = slack_escaped("<<&&>>\xE2\x82\xAC\xE2\x82\xAC<<<<&&&&\xF0\x9F\x98\x80zzzzzzz", most);
    EXPECT_LE(cut.size(), most);
    EXPECT_TRUE(is_valid_utf8(cut)) << cut;
    EXPECT_EQ(std::count(cut.begin(), cut.end(), '&'), std::count(cut.begin(), cut.end(), ';')) << cut;
  }
}

TEST(EventKey, IsTheDetectionsKeyOrTheEventsId) {
  const std::string line = R"({"key":"0af3","type":"scan_lost","evidence":[{"key":"no"}]})";
  Record record = line_record(line);
  StoredRecord stored = stored_record(record);
  stored.partition = 2;
  stored.offset = 77;
  stored.journal_id = "J";
  EXPECT_EQ(event_key(stored), "J:2-77");
  record.event.kind = Kind::detection;
  EXPECT_EQ(event_key(stored), "0af3");
  EXPECT_EQ(event_sort(stored), "detection scan_lost");
  record.detection_key = "a b\r\nX: y";  // of a stranger: no header may come of it
  EXPECT_EQ(event_key(stored), "J:2-77");
  stored.extra_flags = flag::replayed;
  EXPECT_EQ(event_key(stored), "J:2-77:replayed");
}

}  // namespace
}  // namespace thorlog
