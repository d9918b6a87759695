#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/locate/dns.hpp"
#include "protocol/net/loop.hpp"

namespace beckon::net {

/// The name servers of the machine, or those named, asked by c-ares from the loop: no call blocks. An answer
/// too large for a datagram is asked for again over TCP. Names of the hosts file have the addresses it says.
/// It must not end inside a `done`.
class DnsClient final : public locate::Dns {
 public:
  struct Options {
    std::vector<Address> servers{};              ///< Empty: those of /etc/resolv.conf.
    Duration timeout = 1s;                       ///< Of the first try; the next one has twice that.
    int tries = 2;                               ///< To each server.
    std::filesystem::path hosts = "/etc/hosts";  ///< Read once, here; empty for none.
  };
  explicit DnsClient(Loop& loop);
  DnsClient(Loop& loop, const Options& options);
  ~DnsClient() override;
  DnsClient(const DnsClient&) = delete;
  DnsClient& operator=(const DnsClient&) = delete;

  void ask(const locate::Question& question, Done done) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace beckon::net
