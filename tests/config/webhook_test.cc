// The keys of a webhook: what is refused, and where.
#include <gmock/gmock.h>

#include "base/temp_folder.h"
#include "config/load.h"
#include "config/report.h"
#include "config/web_url.h"

namespace thorlog {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string errors(const std::string& keys) {
  const auto loaded = load_settings_text(
      "outputs: { h: { type: webhook, " + keys + " } }\ninputs: { i: { type: udp, listen: '0.0.0.0:1' } }\n", "x");
  if (loaded) return "fine";
  std::string all;
  for (const auto& error : loaded.errors()) all += error.text + "\n";
  return all;
}

TEST(WebUrl, TakesWhatIsAnAddressOfAServer) {
  const auto url = parse_web_url("https://hooks.example/services/T0/x?y=1");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->origin(), "https://hooks.example");
  EXPECT_EQ(url->port, 443);
  EXPECT_EQ(parse_web_url("http://[::1]:8080")->origin(), "http://[::1]:8080");
  EXPECT_EQ(parse_web_url("http://[2001:db8::1]/x")->origin(), "http://[2001:db8::1]");
  EXPECT_EQ(parse_web_url("http://10.0.0.1/")->port, 80);
}

TEST(WebUrl, RefusesWhatIsNone) {
  for (const char* text : {"", "hooks.example", "ftp://h/", "file:///etc/passwd", "https://", "https:///x",
                           "https://a b/", "https://h/\n", "https://h:0/", "https://h:99999/", "https://u:p@h/",
                           "https://h/#x", "https://h\\@evil/", "https://h\xc3\xa4/", "gopher://h:1/"}) {
    EXPECT_FALSE(parse_web_url(text)) << text;
  }
}

TEST(WebhookKeys, AreRefusedWithTheReason) {
  EXPECT_EQ(errors("url: 'https://h/x'"), "fine");
  EXPECT_THAT(errors("template: json"), HasSubstr("needs 'url'"));
  EXPECT_THAT(errors("url: 'https://h/x', headers: { Host: h }"), HasSubstr("set by thorlogd itself"));
  EXPECT_THAT(errors("url: 'https://h/x', headers: { 'X Y': h }"), HasSubstr("no name of a header"));
  EXPECT_THAT(errors("url: 'https://h/x', headers: { X: \"a\\r\\nY: b\" }"), HasSubstr("control character"));
  EXPECT_THAT(errors("url: 'https://h/x', template: slack, batch: 21"), HasSubstr("at most 20"));
  EXPECT_THAT(errors("url: 'https://h/x', template: slack, fields: true"), HasSubstr("needs JSON events"));
  EXPECT_THAT(errors("url: 'https://h/x', template: /none"), HasSubstr("can't be read"));
  EXPECT_THAT(errors("url: 'https://h/x', secret_file: /none"), HasSubstr("can't be read"));
  EXPECT_THAT(errors("url: 'https://h/x', tls: { client_auth: require }"), HasSubstr("of inputs"));
  EXPECT_THAT(errors("url: 'https://h/x', concurrency: 65"), HasSubstr("out of range"));
}

TEST(WebhookKeys, OfAFileAreLookedInto) {
  const TempFolder folder;
  const auto secret = [&](const std::string& text) {
    write_bytes(folder / "s", text);
    return errors("url: 'https://h/x', secret_file: '" + folder / "s" + "'");
  };
  EXPECT_THAT(secret(""), HasSubstr("holds no key"));
  EXPECT_THAT(secret("short\n"), HasSubstr("less than 16 bytes"));
  EXPECT_THAT(secret("0123456789abcdef\n0123456789abcdef\n0123456789abcdef\n"), HasSubstr("more than 2 keys"));
  EXPECT_EQ(secret("0123456789abcdef\r\n\n0123456789abcdeg"), "fine");
  write_bytes(folder / "t", "{\"text\": {hosst}}");
  EXPECT_THAT(errors("url: 'https://h/x', template: '" + folder / "t" + "'"),
              HasSubstr("line 1: unknown field 'hosst'"));
  write_bytes(folder / "t", "{\"text\": {host}}");
  EXPECT_THAT(errors("url: 'https://h/x', batch: 2, template: '" + folder / "t" + "'"),
              HasSubstr("'batch' must be 1"));
}

TEST(WebhookKeys, AnAddressOfThisDaemonIsALoop) {
  EXPECT_THAT(errors("url: 'http://127.0.0.1:8514/x'"), HasSubstr("this daemon's own 'admin'"));
}

TEST(WebhookReport, SaysThePromiseAndShowsNoSecretPath) {
  const auto loaded =
      load_settings_text("outputs: { h: { type: webhook, url: 'https://h/secret', template: slack } }\n", "x");
  ASSERT_TRUE(loaded);
  const auto text = check_report(*loaded);
  EXPECT_THAT(text, HasSubstr("output h: webhook to https://h, template slack\n"));
  EXPECT_THAT(text, HasSubstr("promise:"));
  EXPECT_THAT(text, HasSubstr("loss window:"));
  EXPECT_THAT(text, HasSubstr("1 in 1s to this host, 5 at once"));
  EXPECT_THAT(text, HasSubstr("5 in 60s go one by one"));
  EXPECT_THAT(text, Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace thorlog
