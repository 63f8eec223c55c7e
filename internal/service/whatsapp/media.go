package whatsapp

import (
	"context"
	"errors"
	"log/slog"
)

// questionFiles are the files that the model is given with a question.
type questionFiles struct {
	files    []File
	unopened bool   // the person sent a file that is not among them
	release  func() // gives their bytes back to the budget
}

// openFiles downloads the files that the model can read. A file that it cannot
// read, or that is not available, is left out. Where a process ended while it
// worked on this question, the files may be the cause: then no other file is in
// flight at the same time, and after several such ends the files are left out.
// Errors: errFileBudgetBusy, and temporary errors of the Graph API.
func (s *Service) openFiles(ctx context.Context, messages []UnansweredMessage, interruptions int) (questionFiles, error) {
	opened := questionFiles{release: func() {}}
	if interruptions >= maxInterruptions {
		opened.unopened = hasFile(messages)
		if opened.unopened {
			s.options.Log.ErrorContext(ctx, "files left out of the question: the process ended each time it worked on them",
				slog.Int("interruptions", interruptions))
		}
		return opened, nil
	}
	wanted, err := s.describeFiles(ctx, messages, &opened.unopened)
	if err != nil || len(wanted) == 0 {
		return opened, err
	}
	size := int64(maxFileBytesInFlight)
	if interruptions == 0 {
		size = totalSize(wanted)
	}
	opened.release, err = s.fileBudget.acquire(ctx, size)
	if err != nil {
		return questionFiles{}, err
	}
	if err := s.downloadFiles(ctx, wanted, &opened); err != nil {
		opened.release()
		return questionFiles{}, err
	}
	return opened, nil
}

func hasFile(messages []UnansweredMessage) bool {
	for _, m := range messages {
		if isNotRevoked(m) && m.Media.ID != "" {
			return true
		}
	}
	return false
}

// wantedFile is a file that may be readable, before its download.
type wantedFile struct {
	message      UnansweredMessage
	expectedType string
	remote       RemoteFile
}

func totalSize(files []wantedFile) int64 {
	var sum int64
	for _, file := range files {
		sum += file.remote.Size
	}
	return sum
}

// describeFiles returns the files to download, which together have at most
// maxMediaBytes. A file of unknown size counts as all bytes that are left.
func (s *Service) describeFiles(ctx context.Context, messages []UnansweredMessage, unopened *bool) ([]wantedFile, error) {
	var wanted []wantedFile
	bytesLeft := int64(maxMediaBytes)
	for _, m := range messages {
		if m.Revoked || m.Media.ID == "" {
			continue
		}
		expected, ok := expectedType(m.Media)
		if !ok {
			*unopened = true
			continue
		}
		remote, err := s.graph.DescribeFile(ctx, m.PhoneNumberID, m.Media)
		if err == nil && (remote.Size > bytesLeft || bytesLeft == 0) {
			err = ErrNoMedia
		}
		if err != nil {
			if err := s.leaveOut(ctx, m, err); err != nil {
				return nil, err
			}
			*unopened = true
			continue
		}
		if remote.Size <= 0 {
			remote.Size = bytesLeft
		}
		bytesLeft -= remote.Size
		wanted = append(wanted, wantedFile{message: m, expectedType: expected, remote: remote})
	}
	return wanted, nil
}

// downloadFiles adds the content of the files to opened.
func (s *Service) downloadFiles(ctx context.Context, wanted []wantedFile, opened *questionFiles) error {
	for _, file := range wanted {
		data, err := s.graph.Download(ctx, file.remote)
		if err != nil {
			if err := s.leaveOut(ctx, file.message, err); err != nil {
				return err
			}
			opened.unopened = true
			continue
		}
		mediaType := readableType(file.expectedType, data)
		if mediaType == "" {
			opened.unopened = true
			continue
		}
		opened.files = append(opened.files, File{MIMEType: mediaType, Data: data})
	}
	return nil
}

// leaveOut returns the error where the download is worth a retry, and otherwise
// logs that the file is left out.
func (s *Service) leaveOut(ctx context.Context, m UnansweredMessage, err error) error {
	if ctx.Err() != nil || !errors.Is(err, ErrNoMedia) && m.Age <= downloadRetryPeriod {
		return err
	}
	s.options.Log.WarnContext(ctx, "file left out of the question", slog.Any("error", err))
	return nil
}
