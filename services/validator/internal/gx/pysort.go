package gx

// pysort sorts as Python's list.sort does below 64 elements: a run at the start, then insertion by halving. It matters
// where less is no order, as with NaN: then the result is what this very procedure leaves.
// After T. Peters, listsort.txt of CPython.
func pysort[T any](list []T, less func(a, b T) bool) {
	if len(list) < 2 {
		return
	}
	run := 2
	if less(list[1], list[0]) {
		for run < len(list) && less(list[run], list[run-1]) {
			run++
		}
		for i, j := 0, run-1; i < j; i, j = i+1, j-1 {
			list[i], list[j] = list[j], list[i]
		}
	} else {
		for run < len(list) && !less(list[run], list[run-1]) {
			run++
		}
	}
	for ; run < len(list); run++ {
		pivot, left, right := list[run], 0, run
		for left < right {
			mid := left + (right-left)/2
			if less(pivot, list[mid]) {
				right = mid
			} else {
				left = mid + 1
			}
		}
		copy(list[left+1:run+1], list[left:run])
		list[left] = pivot
	}
}
