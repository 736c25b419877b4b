#include "pipeline/http/sigv4.h"

#include "pipeline/http/header_text.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <time.h>

#include <algorithm>
#include <vector>

namespace troupe::http {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), ascii_lower);
  return out;
}

/// "20150830T123600Z"
std::string timestamp(int64_t now_ms) {
  const auto seconds = static_cast<time_t>(now_ms / 1000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char out[32];
  return {out, strftime(out, sizeof out, "%Y%m%dT%H%M%SZ", &parts)};
}

bool unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

/// Percent-encoded; what `text` has encoded already is encoded once more, as all services but S3
/// want it of paths.
std::string encoded(std::string_view text, std::string_view also_plain) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (unreserved(c) || also_plain.find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    const auto b = static_cast<unsigned char>(c);
    out += '%';
    out += digits[b >> 4];
    out += digits[b & 15];
  }
  return out;
}

std::string canonical_query(std::string_view query) {
  std::vector<std::string> pairs;
  while (!query.empty()) {
    const auto end = query.find('&');
    std::string pair(query.substr(0, end));
    if (pair.find('=') == std::string::npos)
      pair += '=';
    pairs.push_back(std::move(pair));
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
  }
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const auto& p : pairs)
    out += (out.empty() ? "" : "&") + p;
  return out;
}

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view data) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(data.data()), data.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  out.resize(size);
  return out;
}

std::string sha256(std::string_view data) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(out.data()), &size,
             EVP_sha256(), nullptr);
  out.resize(size);
  return out;
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    out += digits[b >> 4];
    out += digits[b & 15];
  }
  return out;
}

headers sign_v4(const sigv4_key& key, std::string_view method, std::string_view host,
                std::string_view target, headers signed_too, std::string_view body,
                int64_t now_ms) {
  const std::string when = timestamp(now_ms);
  const std::string day = when.substr(0, 8);
  headers out{{"X-Amz-Date", when}};
  if (!key.session_token.empty())
    out.push_back({"X-Amz-Security-Token", key.session_token});
  headers all = std::move(signed_too);
  all.push_back({"host", std::string(host)});
  all.insert(all.end(), out.begin(), out.end());
  for (auto& h : all)
    h.name = lower(h.name);
  std::sort(all.begin(), all.end(),
            [](const header& a, const header& b) { return a.name < b.name; });
  std::string lines, names;
  for (const auto& h : all) {
    lines += h.name + ":" + std::string(trim(h.value)) + "\n";
    names += (names.empty() ? "" : ";") + h.name;
  }
  const auto question = target.find('?');
  const auto query =
      question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  const std::string canonical =
      std::string(method) + "\n" + encoded(target.substr(0, question), "/") + "\n" +
      canonical_query(query) + "\n" + lines + "\n" + names + "\n" + hex(sha256(body));
  const std::string scope = day + "/" + key.region + "/" + key.service + "/aws4_request";
  const std::string to_sign =
      std::string(algorithm) + "\n" + when + "\n" + scope + "\n" + hex(sha256(canonical));
  std::string signing = hmac_sha256("AWS4" + key.secret_key, day);
  signing = hmac_sha256(signing, key.region);
  signing = hmac_sha256(signing, key.service);
  signing = hmac_sha256(signing, "aws4_request");
  out.push_back({"Authorization", std::string(algorithm) + " Credential=" + key.access_key + "/" +
                                      scope + ", SignedHeaders=" + names +
                                      ", Signature=" + hex(hmac_sha256(signing, to_sign))});
  return out;
}

}  // namespace troupe::http
