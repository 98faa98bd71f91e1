package keylease

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ReasonUnavailable is the reason of a refusal where the server could not be asked, or did not answer in time.
const ReasonUnavailable = "UNAVAILABLE"

// Refusal is the error of a call for which no key was leased. Find it with [errors.As].
type Refusal struct {
	// Code of the gRPC status.
	Code codes.Code
	// Reason of its ErrorInfo, such as ALL_KEYS_EXHAUSTED or NO_HEALTHY_KEYS; else [ReasonUnavailable] or empty.
	Reason string
	// RetryAfter: the earliest moment from now at which it makes sense to ask again; 0: none is known.
	RetryAfter time.Duration
	// Counts of ErrorInfo: keys, cooldown, unhealthy, no_room and others.
	Counts map[string]string

	cause error
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("keylease: no key was leased: %s", status.Convert(r.cause).Message())
}

// Unwrap answers the error of gRPC.
func (r *Refusal) Unwrap() error { return r.cause }

func refusalOf(err error) *Refusal {
	told := status.Convert(err)
	refusal := &Refusal{Code: told.Code(), cause: err}
	if isAway(err) {
		refusal.Code, refusal.Reason = codes.Unavailable, ReasonUnavailable
	}
	for _, detail := range told.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			refusal.Reason, refusal.Counts = detail.GetReason(), detail.GetMetadata()
		case *errdetails.RetryInfo:
			refusal.RetryAfter = detail.GetRetryDelay().AsDuration()
		}
	}
	return refusal
}

// Whether the server could not be asked, or did not answer in time: asking again is safe, and may help.
func isAway(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded:
		return true
	default:
		return errors.Is(err, context.DeadlineExceeded)
	}
}
