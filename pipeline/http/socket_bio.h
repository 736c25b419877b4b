// The seam between OpenSSL and a socket: like OpenSSL's own socket BIO, but a write to a closed
// connection gives an error instead of SIGPIPE.
#pragma once

struct bio_st;

namespace troupe::http {

/// Does not own `fd`.
bio_st* new_socket_bio(int fd);

}  // namespace troupe::http
