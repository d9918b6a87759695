#include <sys/types.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

extern "C" {
#include <re.h>
}

#include "tools/bench/parser/subject.hpp"

namespace beckon::bench {

namespace {

std::string_view view(const pl& text) { return {text.p, text.l}; }

/// libre: `sip_msg_decode` indexes all lines and reads the top Via, From, To, CSeq and Content-Type; the
/// other types are read with their own calls. It reads where the octets lie, given in an mbuf.
class Re final : public Subject {
 public:
  ~Re() override {
    mem_deref(message_);
    mem_deref(out_);
  }

  const char* name() const override { return "re"; }

  Facts index(std::string_view octets) override {
    parse(octets);
    Facts facts;
    if (message_->req) facts.host = view(message_->uri.host);
    facts.branch = view(message_->via.branch);
    if (const auto* route = sip_msg_hdr(message_, SIP_HDR_ROUTE)) {
      sip_addr address;
      if (sip_addr_decode(&address, &route->val) == 0) facts.route_host = view(address.uri.host);
    }
    facts.from_tag = view(message_->from.tag);
    facts.to_tag = view(message_->to.tag);
    facts.call_id = view(message_->callid);
    facts.method = view(message_->cseq.met);
    facts.cseq = message_->cseq.num;
    facts.max_forwards = pl_u32(&message_->maxfwd);
    return facts;
  }

  std::size_t full(std::string_view octets) override {
    parse(octets);
    std::size_t values = 0;
    for (const le* at = list_head(&message_->hdrl); at; at = at->next)
      values += read(*static_cast<const sip_hdr*>(at->data));
    return values;
  }

  void keep(std::string_view octets) override { parse(octets); }
  std::string_view print() override { return {}; }  // it prints requests of its own only

  /// The library has no such call; this is the least that does it: the lines as they were read, one write
  /// each.
  std::string_view forward(std::string_view octets) override {
    parse(octets);
    mem_deref(out_);
    out_ = mbuf_alloc(octets.size() + 128);
    if (message_->req) {
      write(message_->met);
      write(" ");
      write(message_->ruri);
      write(" SIP/2.0\r\nVia: ");
      write(our_via);
      write("\r\n");
    } else {
      write("SIP/2.0 ");
      mbuf_printf(out_, "%u ", message_->scode);
      write(message_->reason);
      write("\r\n");
    }
    bool drop = true;
    for (const le* at = list_head(&message_->hdrl); at; at = at->next) {
      const auto& header = *static_cast<const sip_hdr*>(at->data);
      if (drop && header.id == (message_->req ? SIP_HDR_ROUTE : SIP_HDR_VIA)) {
        drop = false;
        continue;
      }
      write(header.name);
      write(": ");
      if (header.id == SIP_HDR_MAX_FORWARDS)
        mbuf_printf(out_, "%u", pl_u32(&header.val) - 1);
      else
        write(header.val);
      write("\r\n");
    }
    write("\r\n");
    mbuf_write_mem(out_, mbuf_buf(message_->mb), mbuf_get_left(message_->mb));
    return {reinterpret_cast<const char*>(out_->buf), out_->end};
  }

 private:
  void parse(std::string_view octets) {
    mem_deref(message_);
    message_ = nullptr;
    buffer_->buf = reinterpret_cast<std::uint8_t*>(const_cast<char*>(octets.data()));
    buffer_->size = buffer_->end = octets.size();
    buffer_->pos = 0;
    if (sip_msg_decode(&message_, buffer_) != 0) std::abort();
  }

  static std::size_t read(const sip_hdr& header) {
    switch (header.id) {
      case SIP_HDR_VIA: {
        sip_via via;
        return sip_via_decode(&via, &header.val) == 0;
      }
      case SIP_HDR_CONTACT:
      case SIP_HDR_ROUTE:
      case SIP_HDR_RECORD_ROUTE:
      case SIP_HDR_P_ASSERTED_IDENTITY: {
        sip_addr address;
        return sip_addr_decode(&address, &header.val) == 0;
      }
      case SIP_HDR_EVENT: {
        sipevent_event event;
        return sipevent_event_decode(&event, &header.val) == 0;
      }
      case SIP_HDR_SUBSCRIPTION_STATE: {
        sipevent_substate state;
        return sipevent_substate_decode(&state, &header.val) == 0;
      }
      case SIP_HDR_AUTHORIZATION:
      case SIP_HDR_PROXY_AUTHORIZATION: {
        httpauth_digest_resp answer;
        return httpauth_digest_response_decode(&answer, &header.val) == 0;
      }
      case SIP_HDR_WWW_AUTHENTICATE:
      case SIP_HDR_PROXY_AUTHENTICATE: {
        httpauth_digest_chall challenge;
        return httpauth_digest_challenge_decode(&challenge, &header.val) == 0;
      }
      case SIP_HDR_EXPIRES:
      case SIP_HDR_MAX_FORWARDS:
      case SIP_HDR_CONTENT_LENGTH:
      case SIP_HDR_SESSION_EXPIRES:
      case SIP_HDR_MIN_SE:
        return pl_u32(&header.val) + 1U > 0;
      default:
        return 0;
    }
  }

  void write(std::string_view text) {
    mbuf_write_mem(out_, reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  }
  void write(const pl& text) { mbuf_write_pl(out_, &text); }

  mbuf* buffer_ = mbuf_alloc(1);  // for the whole run: its own octet is never used
  sip_msg* message_ = nullptr;
  mbuf* out_ = nullptr;
};

}  // namespace

std::unique_ptr<Subject> make_re() { return std::make_unique<Re>(); }

}  // namespace beckon::bench
