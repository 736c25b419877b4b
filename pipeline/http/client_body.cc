#include "pipeline/http/client_body.h"

#include "pipeline/http/bounded_decoder.h"

namespace troupe::http {

void finish_body(body_buffer& from, const std::string& coding, std::shared_ptr<byte_budget> budget,
                 uint64_t max_bytes, fetch_result& out) {
  decoded_body body{from.take_lease(), from.take_data()};
  auto how = parse_encoding(coding);
  if (!how) {
    out.error = how.error();
    return;
  }
  if (*how != encoding::identity && !body.data.empty()) {
    bounded_decoder decoder(std::move(budget), {max_bytes});
    auto decoded = decoder.decode(*how, body.data);
    if (!decoded) {
      out.error = decoded.error();
      return;
    }
    body = std::move(*decoded);
  }
  out.body = std::move(body.data);
  if (body.lease.held() > 0)
    out.charge = std::make_shared<const byte_lease>(std::move(body.lease));
}

}  // namespace troupe::http
