package a

import "aisha/internal/resource"

type service struct{}

func (service) join() resource.Resource[int] { return resource.Success(1) }

func other() int { return 1 }

func uses(s service) {
	s.join()       // want `dropped`
	(s.join())     // want `dropped`
	_ = s.join()   // want `dropped`
	go s.join()    // want `dropped`
	defer s.join() // want `dropped`

	result := s.join()
	_, _ = result.Get()
	if _, err := s.join().Get(); err != nil {
		return
	}
	other()
	_ = other()
}
