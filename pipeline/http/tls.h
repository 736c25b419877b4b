// TLS contexts for both sides, and what a handshake told about the peer. OpenSSL's types are only
// named here. Contexts are immutable and may be shared by threads.
#pragma once

#include "storage/base/result.h"

#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace troupe {
class file_system;
namespace config {
struct tls_config;
struct web_tls_config;
}  // namespace config
}  // namespace troupe

namespace troupe::http {

using tls_context = std::shared_ptr<ssl_ctx_st>;

/// What a client's handshake needs.
struct client_tls {
  tls_context context;
  std::string server_name;  ///< SNI, and what the certificate must be for
  bool verify = true;
};

struct tls_peer {
  std::string common_name;
  std::vector<std::string> alternative_names;  ///< DNS, e-mail, IP and URI names
};

/// PEM texts as found in the configuration or the files it names.
struct tls_material {
  std::string ca;
  std::string cert;
  std::string key;
  bool operator==(const tls_material&) const = default;
};

/// Reads the named files; each at most 1 MiB.
result<tls_material> read_material(const config::tls_config& from, file_system& files);
result<tls_material> read_material(const config::web_tls_config& from, file_system& files);

result<tls_context> make_client_context(const config::tls_config& from, const tls_material& pem);
result<tls_context> make_server_context(const config::web_tls_config& from,
                                        const tls_material& pem);

/// Prepares a connection: SNI and host name check for a client.
status prepare_client(ssl_st* ssl, const client_tls& how);
/// After a handshake.
tls_peer describe_peer(ssl_st* ssl);
/// The oldest error of this thread's OpenSSL queue in words; empties the queue.
std::string tls_error_text();

}  // namespace troupe::http
