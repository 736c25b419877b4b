#include "pipeline/http/client_body.h"

#include "pipeline/http/body_buffer.h"

namespace troupe::http {
namespace {

void set_body(decoded_body body, fetch_result& out) {
  out.body = std::move(body.data);
  if (body.lease.held() > 0)
    out.charge = std::make_shared<const byte_lease>(std::move(body.lease));
}

}  // namespace

void finish_body(body_buffer& from, const std::string& coding, std::shared_ptr<byte_budget> budget,
                 uint64_t max_bytes, bool keep_coded, fetch_result& out) {
  decoded_body body{from.take_lease(), from.take_data()};
  auto how = parse_encoding(coding);
  if (!how) {
    out.error = how.error();
    return;
  }
  if (*how == encoding::identity || body.data.empty())
    return set_body(std::move(body), out);
  out.coded =
      std::make_shared<coded_body>(coded_body{std::move(body), *how, std::move(budget), max_bytes});
  if (!keep_coded)
    expand_body(out, {});
}

void expand_body(fetch_result& r, std::string spare) {
  if (!r.coded)
    return;
  const auto from = std::move(r.coded);
  bounded_decoder decoder(from->budget, {from->max_bytes});
  auto decoded = decoder.decode(from->how, from->wire.data, std::move(spare));
  if (decoded)
    set_body(std::move(*decoded), r);
  else
    r.error = decoded.error();
}

}  // namespace troupe::http
