#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_header.h>
#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/sip_extra.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>
#include <sofia-sip/su_alloc.h>

#include <cstddef>
#include <vector>

#include "tools/bench/parser/subject.hpp"

namespace beckon::bench {

namespace {

std::string_view view(const char* text) { return text ? text : std::string_view{}; }

/// A message class that knows only what `Facts` asks for: all other headers become text, the cheapest the
/// library can do.
msg_mclass_t* make_small_class() {
  msg_mclass_t* small = msg_mclass_clone(sip_default_mclass(), 0, msg_mclass_empty);
  const auto add = [&](msg_hclass_t* header, std::size_t offset) {
    msg_mclass_insert_header(small, header, static_cast<unsigned short>(offset));
  };
  add(sip_via_class, offsetof(sip_t, sip_via));
  add(sip_route_class, offsetof(sip_t, sip_route));
  add(sip_max_forwards_class, offsetof(sip_t, sip_max_forwards));
  add(sip_from_class, offsetof(sip_t, sip_from));
  add(sip_to_class, offsetof(sip_t, sip_to));
  add(sip_call_id_class, offsetof(sip_t, sip_call_id));
  add(sip_cseq_class, offsetof(sip_t, sip_cseq));
  add(sip_content_length_class, offsetof(sip_t, sip_content_length));
  return small;
}

/// Sofia-SIP: the message class decides which headers are read into types.
class Sofia final : public Subject {
 public:
  ~Sofia() override { msg_destroy(message_); }

  const char* name() const override { return "sofia"; }

  Facts index(std::string_view octets) override {
    parse(small_, octets);
    Facts facts;
    if (sip_->sip_request) facts.host = view(sip_->sip_request->rq_url->url_host);
    facts.branch = view(sip_->sip_via->v_branch);
    if (sip_->sip_route) facts.route_host = view(sip_->sip_route->r_url->url_host);
    facts.from_tag = view(sip_->sip_from->a_tag);
    facts.to_tag = view(sip_->sip_to->a_tag);
    facts.call_id = view(sip_->sip_call_id->i_id);
    facts.method = view(sip_->sip_cseq->cs_method_name);
    facts.cseq = sip_->sip_cseq->cs_seq;
    if (sip_->sip_max_forwards)
      facts.max_forwards = static_cast<std::uint32_t>(sip_->sip_max_forwards->mf_count);
    return facts;
  }

  std::size_t full(std::string_view octets) override {
    parse(whole_, octets);
    return sip_->sip_via != nullptr;
  }

  void keep(std::string_view octets) override { parse(whole_, octets); }

  /// Header by header: `msg_prepare` would give out the octets that were read.
  std::string_view print() override {
    std::size_t size = 0;
    for (const msg_header_t* header = *msg_chain_head(message_); header; header = header->sh_succ) {
      const auto written =
          msg_header_e(text_.data() + size, static_cast<isize_t>(text_.size() - size), header, 0);
      if (written < 0 || static_cast<std::size_t>(written) > text_.size() - size) std::abort();
      size += static_cast<std::size_t>(written);
    }
    return std::string_view(text_).substr(0, size);
  }

  std::string_view forward(std::string_view octets) override {
    parse(small_, octets);
    auto* pub = reinterpret_cast<msg_pub_t*>(sip_);
    if (sip_->sip_status) {
      msg_header_remove(message_, pub, reinterpret_cast<msg_header_t*>(sip_->sip_via));
    } else {
      auto* via = sip_via_make(msg_home(message_), our_via.data());
      msg_header_insert(message_, pub, reinterpret_cast<msg_header_t*>(via));
      if (sip_->sip_route) msg_header_remove(message_, pub, reinterpret_cast<msg_header_t*>(sip_->sip_route));
      --sip_->sip_max_forwards->mf_count;
      sip_fragment_clear(sip_->sip_max_forwards->mf_common);
    }
    return write();
  }

 private:
  void parse(const msg_mclass_t* of, std::string_view octets) {
    msg_destroy(message_);
    message_ = msg_make(of, 0, octets.data(), static_cast<ssize_t>(octets.size()));
    sip_ = sip_object(message_);
    if (!sip_ || sip_->sip_error || !sip_->sip_cseq) std::abort();
  }

  std::string_view write() {
    if (msg_serialize(message_, reinterpret_cast<msg_pub_t*>(sip_)) < 0 || msg_prepare(message_) < 0)
      std::abort();
    const auto pieces =
        static_cast<std::size_t>(msg_iovec(message_, vectors_.data(), static_cast<isize_t>(vectors_.size())));
    out_.clear();
    for (std::size_t i = 0; i < pieces; ++i)
      out_.append(static_cast<const char*>(vectors_[i].mv_base), vectors_[i].mv_len);
    return out_;
  }

  const msg_mclass_t* small_ = make_small_class();
  const msg_mclass_t* whole_ = sip_extend_mclass(nullptr);
  msg_t* message_ = nullptr;
  sip_t* sip_ = nullptr;
  std::vector<msg_iovec_t> vectors_ = std::vector<msg_iovec_t>(64);
  std::string out_;
  std::string text_ = std::string(65536, ' ');
};

}  // namespace

std::unique_ptr<Subject> make_sofia() { return std::make_unique<Sofia>(); }

}  // namespace beckon::bench
