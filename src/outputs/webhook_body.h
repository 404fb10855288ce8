// The bodies of a webhook's posts. Each event becomes a piece; a post's body is its pieces in a frame:
//   json   the JSON event; with `batch` above 1 a list of them
//   slack  blocks of plain text in attachments;  teams  an adaptive card: text for people, made harmless and cut
//   FILE   what the template says (config/body_template.h)
// One thread.
#pragma once

#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "config/body_template.h"
#include "config/settings.h"
#include "outputs/webhook_queue.h"
#include "outputs/webhook_storm.h"
#include "wire/encode_json.h"
#include "wire/stored_record.h"

namespace thorlog {

// Text for eyes: no control character, nothing that turns or hides text, at most `limit` bytes of UTF-8; cut text
// ends with an ellipsis.
std::string for_eyes(std::string_view text, std::size_t limit);

class WebhookBody {
 public:
  // Errors, config: the template's file.
  static Result<WebhookBody> make(const OutputSettings& settings);

  // The event without its number.
  WebhookEvent piece(const StoredRecord& stored);
  WebhookEvent piece(const Storms::Summary& summary) const;
  // One line for people.
  std::string title(const StoredRecord& stored) const;
  std::string body(const WebhookPost& post) const;

 private:
  enum class Form : std::uint8_t { json, slack, teams, file };
  explicit WebhookBody(const OutputSettings& settings);
  void fill_template(const StoredRecord& stored, std::string& out);

  Form form_ = Form::json;
  bool is_list_;
  bool wants_titles_;
  BodyTemplate template_;  // of file
  JsonEncoder json_;
  ByteBuffer buffer_;
};

}  // namespace thorlog
