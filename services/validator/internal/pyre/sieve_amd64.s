#include "textflag.h"

// func scan(text unsafe.Pointer, blocks int, t *[6][16]byte, marks *uint64) uint64
// Looks at 32 places at a time: a bit is set where a place's byte, the one after it and the one after that have that bit in the tables of low and of high
// halves. Four blocks together set the low byte of an entry of marks; all together are the result, and its bit 8 is whether a byte is beyond ASCII.
TEXT ·scan(SB), NOSPLIT, $0-40
	MOVQ text+0(FP), SI
	MOVQ blocks+8(FP), CX
	MOVQ t+16(FP), DI
	MOVQ marks+24(FP), R8
	VBROADCASTI128 (DI), Y0
	VBROADCASTI128 16(DI), Y1
	VBROADCASTI128 32(DI), Y2
	VBROADCASTI128 48(DI), Y3
	VBROADCASTI128 64(DI), Y4
	VBROADCASTI128 80(DI), Y5
	MOVL $0x0f0f0f0f, AX
	VMOVD AX, X6
	VPBROADCASTD X6, Y6
	VPXOR Y14, Y14, Y14
	XORQ R9, R9

group:
	VPXOR Y7, Y7, Y7
	MOVQ $4, DX
	CMPQ CX, DX
	CMOVQLT CX, DX
	SUBQ DX, CX

loop:
	VMOVDQU (SI), Y8
	VMOVDQU 1(SI), Y9
	VMOVDQU 2(SI), Y10
	VPOR Y8, Y14, Y14
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
	DECQ DX
	JNZ loop

	VEXTRACTI128 $1, Y7, X8
	VPOR X8, X7, X7
	VPSRLDQ $8, X7, X8
	VPOR X8, X7, X7
	MOVQ X7, AX
	MOVQ AX, BX
	SHRQ $32, BX
	ORQ BX, AX
	MOVQ AX, BX
	SHRQ $16, BX
	ORQ BX, AX
	MOVQ AX, BX
	SHRQ $8, BX
	ORQ BX, AX
	MOVB AX, (R8)
	ADDQ $8, R8
	ORQ AX, R9
	TESTQ CX, CX
	JNZ group

	VPMOVMSKB Y14, AX
	TESTL AX, AX
	SETNE AX
	MOVBQZX AX, AX
	SHLQ $8, AX
	ANDQ $0xff, R9
	ORQ AX, R9
	MOVQ R9, ret+32(FP)
	VZEROUPPER
	RET

// func locate(text unsafe.Pointer, blocks int, t *[6][16]byte, windows uint64, places *[4]uint32)
// Adds to places those, of 32 an entry, where one of the windows fits: as in scan. The windows' byte is repeated eight times.
TEXT ·locate(SB), NOSPLIT, $0-40
	MOVQ text+0(FP), SI
	MOVQ blocks+8(FP), CX
	MOVQ t+16(FP), DI
	MOVQ windows+24(FP), AX
	MOVQ places+32(FP), R8
	VMOVQ AX, X14
	VPBROADCASTQ X14, Y14
	MOVL $0x0f0f0f0f, AX
	VMOVD AX, X6
	VPBROADCASTD X6, Y6
	VPXOR Y7, Y7, Y7
	VBROADCASTI128 (DI), Y0
	VBROADCASTI128 16(DI), Y1
	VBROADCASTI128 32(DI), Y2
	VBROADCASTI128 48(DI), Y3
	VBROADCASTI128 64(DI), Y4
	VBROADCASTI128 80(DI), Y5

each:
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
	VPAND Y14, Y13, Y13
	VPCMPEQB Y7, Y13, Y13
	VPMOVMSKB Y13, AX
	NOTL AX
	ORL AX, (R8)
	ADDQ $32, SI
	ADDQ $4, R8
	DECQ CX
	JNZ each
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

// func clean(text unsafe.Pointer, blocks int, t *[2][16]byte, high uint64) int
// Is the first of blocks of 32 bytes that has no byte of the tables, as in find; blocks where there is none.
TEXT ·clean(SB), NOSPLIT, $0-40
	MOVQ text+0(FP), SI
	MOVQ blocks+8(FP), CX
	MOVQ t+16(FP), DI
	MOVQ high+24(FP), AX
	MOVQ CX, BX
	VBROADCASTI128 (DI), Y0
	VBROADCASTI128 16(DI), Y1
	VMOVQ AX, X14
	VPBROADCASTQ X14, Y14
	MOVL $0x0f0f0f0f, AX
	VMOVD AX, X6
	VPBROADCASTD X6, Y6
	MOVL $0x80808080, AX
	VMOVD AX, X5
	VPBROADCASTD X5, Y5
	VPAND Y5, Y14, Y14

block:
	VMOVDQU (SI), Y8
	VPAND Y6, Y8, Y11
	VPSRLW $4, Y8, Y12
	VPAND Y6, Y12, Y12
	VPSHUFB Y11, Y0, Y11
	VPSHUFB Y12, Y1, Y12
	VPAND Y11, Y12, Y13
	VPAND Y14, Y8, Y11
	VPOR Y11, Y13, Y13
	VPTEST Y13, Y13
	JZ none
	ADDQ $32, SI
	DECQ CX
	JNZ block

none:
	SUBQ CX, BX
	MOVQ BX, ret+32(FP)
	VZEROUPPER
	RET
