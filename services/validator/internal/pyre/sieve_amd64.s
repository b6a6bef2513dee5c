#include "textflag.h"

// func scan(text unsafe.Pointer, blocks int, t *[6][16]byte) uint64
// Looks at 32 places at a time: a bit of the result is set where a place's byte, the one after it and the one after that have that bit in the tables of
// low and of high halves. The result's eight bytes are to be joined.
TEXT ·scan(SB), NOSPLIT, $0-32
	MOVQ text+0(FP), SI
	MOVQ blocks+8(FP), CX
	MOVQ t+16(FP), DI
	VBROADCASTI128 (DI), Y0
	VBROADCASTI128 16(DI), Y1
	VBROADCASTI128 32(DI), Y2
	VBROADCASTI128 48(DI), Y3
	VBROADCASTI128 64(DI), Y4
	VBROADCASTI128 80(DI), Y5
	MOVL $0x0f0f0f0f, AX
	VMOVD AX, X6
	VPBROADCASTD X6, Y6
	VPXOR Y7, Y7, Y7

loop:
	VMOVDQU (SI), Y8
	VMOVDQU 1(SI), Y9
	VMOVDQU 2(SI), Y10
	VPAND Y6, Y8, Y11
	VPSRLW $4, Y8, Y12
	VPAND Y6, Y12, Y12
	VPSHUFB Y11, Y0, Y11
	VPSHUFB Y12, Y1, Y12
	VPAND Y11, Y12, Y13
	VPAND Y6, Y9, Y11
	VPSRLW $4, Y9, Y12
	VPAND Y6, Y12, Y12
	VPSHUFB Y11, Y2, Y11
	VPSHUFB Y12, Y3, Y12
	VPAND Y11, Y12, Y12
	VPAND Y12, Y13, Y13
	VPAND Y6, Y10, Y11
	VPSRLW $4, Y10, Y12
	VPAND Y6, Y12, Y12
	VPSHUFB Y11, Y4, Y11
	VPSHUFB Y12, Y5, Y12
	VPAND Y11, Y12, Y12
	VPAND Y12, Y13, Y13
	VPOR Y13, Y7, Y7
	ADDQ $32, SI
	DECQ CX
	JNZ loop

	VEXTRACTI128 $1, Y7, X8
	VPOR X8, X7, X7
	VPSRLDQ $8, X7, X8
	VPOR X8, X7, X7
	MOVQ X7, AX
	MOVQ AX, ret+24(FP)
	VZEROUPPER
	RET

// func find(text unsafe.Pointer, blocks int, t *[2][16]byte, high uint64) int
// Is the place of the first byte whose low half's entry has the bit of its high half, or, where high is set, that is beyond ASCII; blocks*32 where there is none.
TEXT ·find(SB), NOSPLIT, $0-40
	MOVQ text+0(FP), SI
	MOVQ blocks+8(FP), CX
	MOVQ t+16(FP), DI
	MOVQ high+24(FP), R8
	MOVQ SI, BX
	VBROADCASTI128 (DI), Y0
	VBROADCASTI128 16(DI), Y1
	MOVL $0x0f0f0f0f, AX
	VMOVD AX, X6
	VPBROADCASTD X6, Y6
	VPXOR Y7, Y7, Y7

next:
	VMOVDQU (SI), Y8
	VPAND Y6, Y8, Y11
	VPSRLW $4, Y8, Y12
	VPAND Y6, Y12, Y12
	VPSHUFB Y11, Y0, Y11
	VPSHUFB Y12, Y1, Y12
	VPAND Y11, Y12, Y13
	VPCMPEQB Y7, Y13, Y13
	VPMOVMSKB Y13, AX
	NOTL AX
	VPMOVMSKB Y8, DX
	ANDL R8, DX
	ORL DX, AX
	JNZ here
	ADDQ $32, SI
	DECQ CX
	JNZ next
	SUBQ BX, SI
	MOVQ SI, ret+32(FP)
	VZEROUPPER
	RET

here:
	BSFL AX, AX
	SUBQ BX, SI
	ADDQ AX, SI
	MOVQ SI, ret+32(FP)
	VZEROUPPER
	RET
