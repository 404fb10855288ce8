// The JSON event of the contract: one object, one line, without a line end. One encoder for each thread.
#pragma once

#include <functional>
#include <string_view>

#include "base/byte_buffer.h"
#include "wire/stored_record.h"
#include "wire/text_time.h"

namespace thorlog {

// Gives the THOR fields of an event: for_each_field() of thorlog/thor.h, handed in because this library lies below
// it.
using FieldSource = void (*)(
    const Event& event, const std::function<void(std::string_view key, std::string_view value, bool is_json)>& sink);

class JsonEncoder {
 public:
  // fields nullptr: without the key `fields`.
  explicit JsonEncoder(FieldSource fields = nullptr) : fields_(fields) {}

  // The raw of a record of kind detection is the JSON text of its object: it becomes `detection`, and `raw` its
  // message, the summary. Text that is no JSON object stays in `raw`.
  void append(const StoredRecord& stored, ByteBuffer& out);

 private:
  void append_fields(const Event& event, ByteBuffer& out) const;

  FieldSource fields_;
  StampCache received_;
  StampCache timestamp_;
};

}  // namespace thorlog
