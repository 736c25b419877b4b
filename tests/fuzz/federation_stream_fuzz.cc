// What the two sides of federation decode: a cursor is corruption or is written and read back as it
// is; a request and the headers of an answer are refused or taken, whatever they are.
#include "pipeline/federate/stream_cursor.h"
#include "pipeline/federate/stream_http.h"
#include "pipeline/http/base64.h"
#include "pipeline/http/url.h"
#include "storage/base/check.h"

#include <cstddef>
#include <cstdint>

namespace {

using namespace troupe;

void try_cursor(std::string_view text) {
  const auto got = federate::read_cursor(text);
  if (!got.ok())
    return;
  const auto back = federate::read_cursor(federate::to_text(*got));
  TROUPE_CHECK(back.ok() && *back == *got);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try_cursor(text);
  try_cursor(http::base64_encode(text));
  if (auto form = http::parse_form(text); form.ok()) {
    http::request r;
    r.query = std::move(*form);
    if (const auto got = federate::read_request(r); got.ok())
      TROUPE_CHECK(http::parse_form(federate::to_form(*got)).ok());
  }
  http::fetch_result answer;
  answer.code = 200;
  for (const auto* name : {"Cursor", "Samples", "Lag", "Damaged", "Gap", "Start"})
    answer.header_fields.push_back({std::string("X-Troupe-Federation-") + name, text});
  (void)federate::read_answer(std::move(answer));
  return 0;
}
