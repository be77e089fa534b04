using Tiebreak.Formats.Layers;
using System.Collections.Frozen;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>The table of supported operators; all that is known of what is covered comes from here.</summary>
static class Operators
{
    static readonly OperatorRule[] All =
    [
        // Constants, casts, shapes.
        Rule("Constant", 1, ShapeOperators.Constant),
        Rule("ConstantOfShape", 9, ShapeOperators.ConstantOfShape),
        Rule("Identity", 1, ShapeOperators.Identity),
        Rule("Cast", 1, ShapeOperators.Cast),
        Rule("CastLike", 15, ShapeOperators.CastLike),
        Rule("Shape", 1, ShapeOperators.Shape),
        Rule("Size", 1, ShapeOperators.Size),
        Rule("Range", 11, ShapeOperators.Range),
        Rule("Reshape", 5, ShapeOperators.Reshape),
        Rule("Flatten", 1, ShapeOperators.Flatten),
        Rule("Squeeze", 1, ShapeOperators.Squeeze),
        Rule("Unsqueeze", 1, ShapeOperators.Unsqueeze),
        Rule("Transpose", 1, ShapeOperators.Transpose),

        // Picking, repeating, joining, padding.
        Rule("Concat", 4, SliceOperators.Concat),
        Rule("Split", 2, SliceOperators.Split),
        Rule("Slice", 1, SliceOperators.Slice),
        Rule("Gather", 1, SliceOperators.Gather),
        Rule("GatherElements", 11, SliceOperators.GatherElements),
        Rule("GatherND", 11, GatherNd.Lower),
        Rule("Expand", 8, SliceOperators.Expand),
        Rule("Tile", 6, SliceOperators.Tile),
        Rule("Pad", 2, SliceOperators.Pad),

        Rule("ReverseSequence", 10, Reordering.ReverseSequence),
        Rule("CenterCropPad", 18, Reordering.CenterCropPad),
        Rule("Compress", 9, KnownSets.Compress),
        Rule("NonZero", 9, KnownSets.NonZero),
        Rule("Unique", 11, KnownSets.Unique),

        Rule("Scatter", 9, Scattering.ScatterElements, until: 10),
        Rule("ScatterElements", 11, Scattering.ScatterElements),
        Rule("ScatterND", 11, Scattering.ScatterND),
        Rule("Trilu", 14, Scattering.Trilu),
        Rule("DepthToSpace", 1, Blocks.DepthToSpace),
        Rule("SpaceToDepth", 1, Blocks.SpaceToDepth),
        Rule("Resize", 10, Resizing.Resize),
        Rule("Upsample", 7, Resizing.Upsample, until: 9),
        Rule("GridSample", 16, Interpolation.GridSample),
        Rule("AffineGrid", 20, Interpolation.AffineGrid),
        Rule("RoiAlign", 10, Interpolation.RoiAlign),
        Rule("OneHot", 9, Losses.OneHot),
        Rule("EyeLike", 9, ShapeOperators.EyeLike),
        Rule("DequantizeLinear", 10, Quantized.DequantizeLinear),

        // Random numbers.
        Rule("RandomNormal", 1, RandomNumbers.OfShape),
        Rule("RandomUniform", 1, RandomNumbers.OfShape),
        Rule("RandomNormalLike", 1, RandomNumbers.Like),
        Rule("RandomUniformLike", 1, RandomNumbers.Like),
        Rule("Bernoulli", 15, RandomNumbers.Bernoulli),
        Rule("Multinomial", 7, RandomNumbers.Multinomial),

        // Branches and loops.
        Rule("If", 1, ControlFlow.If),
        Rule("Loop", 1, ControlFlow.Loop),
        Rule("Scan", 9, ControlFlow.Scan),

        // Sequences, whose lengths are known.
        Rule("SequenceEmpty", 11, Sequences.Empty),
        Rule("SequenceConstruct", 11, Sequences.Construct),
        Rule("SequenceAt", 11, Sequences.At),
        Rule("SequenceInsert", 11, Sequences.Insert),
        Rule("SequenceErase", 11, Sequences.Erase),
        Rule("SequenceLength", 11, Sequences.Length),
        Rule("SplitToSequence", 11, Sequences.Split),
        Rule("ConcatFromSequence", 11, Sequences.Concat),

        // Arithmetic.
        Rule("Add", 7, Elementwise.Add),
        Rule("Sub", 7, Elementwise.Subtract),
        Rule("Mul", 7, Elementwise.Multiply),
        Rule("Div", 7, Elementwise.Divide),
        Rule("Sum", 6, Elementwise.Sum),
        Rule("Mean", 6, Elementwise.Mean),
        Rule("Max", 6, Elementwise.Max),
        Rule("Min", 6, Elementwise.Min),
        Rule("Neg", 6, Elementwise.Negate),
        Rule("Reciprocal", 6, Elementwise.Reciprocal),
        Rule("Abs", 6, Elementwise.Abs),
        Rule("Pow", 7, Elementwise.Power),
        Rule("Mod", 10, Elementwise.Modulo),
        Rule("Det", 11, Determinants.Det),
        Rule("BitShift", 11, Elementwise.OfKnownIntegers),
        Rule("BitwiseAnd", 18, Elementwise.OfKnownIntegers),
        Rule("BitwiseOr", 18, Elementwise.OfKnownIntegers),
        Rule("BitwiseXor", 18, Elementwise.OfKnownIntegers),

        // Spectra.
        Rule("DFT", 17, Spectra.Fourier),
        Rule("STFT", 17, Spectra.ShortTime),
        Rule("HannWindow", 17, Spectra.HannWindow),
        Rule("HammingWindow", 17, Spectra.HammingWindow),
        Rule("BlackmanWindow", 17, Spectra.BlackmanWindow),
        Rule("MelWeightMatrix", 17, Spectra.MelWeightMatrix),

        // Functions of one number.
        Rule("Exp", 6, Elementwise.Exponential),
        Rule("Log", 6, Elementwise.Function(FunctionKind.Log)),
        Rule("Sqrt", 6, Elementwise.Function(FunctionKind.Sqrt)),
        Rule("Tanh", 6, Elementwise.Function(FunctionKind.Tanh)),
        Rule("Erf", 9, Elementwise.Function(FunctionKind.Erf)),
        Rule("Sin", 7, Elementwise.Function(FunctionKind.Sin)),
        Rule("Cos", 7, Elementwise.Function(FunctionKind.Cos)),
        Rule("Tan", 7, Elementwise.Composed(Elementwise.Tangent)),
        Rule("Asin", 7, Elementwise.Function(FunctionKind.Asin)),
        Rule("Acos", 7, Elementwise.Composed(Elementwise.ArcCosine)),
        Rule("Atan", 7, Elementwise.Function(FunctionKind.Atan)),
        Rule("Sinh", 9, Elementwise.Composed(Elementwise.HyperbolicSine)),
        Rule("Cosh", 9, Elementwise.Composed(Elementwise.HyperbolicCosine)),
        Rule("Asinh", 9, Elementwise.Function(FunctionKind.Asinh)),
        Rule("Acosh", 9, Elementwise.Function(FunctionKind.Acosh)),
        Rule("Atanh", 9, Elementwise.Function(FunctionKind.Atanh)),
        Rule("Sign", 9, Elementwise.Function(FunctionKind.Sign)),
        Rule("Floor", 6, Elementwise.Function(FunctionKind.Floor)),
        Rule("Ceil", 6, Elementwise.Composed(Elementwise.Ceiling)),
        Rule("Round", 11, Elementwise.Function(FunctionKind.Round)),

        // Activations.
        Rule("Relu", 6, Elementwise.Composed(Nonlinearities.Relu)),
        Rule("Sigmoid", 6, Elementwise.Composed(Nonlinearities.Sigmoid)),
        Rule("Softplus", 1, Elementwise.Composed(Activations.Softplus)),
        Rule("Softsign", 1, Elementwise.Composed(Activations.Softsign)),
        Rule("Mish", 18, Elementwise.Composed(Activations.Mish)),
        Rule("HardSwish", 14, Elementwise.Composed(Activations.HardSwish)),
        Rule("LeakyRelu", 6, Activations.LeakyRelu),
        Rule("PRelu", 7, Activations.PRelu),
        Rule("Elu", 6, Activations.Elu),
        Rule("Selu", 6, Activations.Selu),
        Rule("Celu", 12, Activations.Celu),
        Rule("HardSigmoid", 6, Activations.HardSigmoid),
        Rule("ThresholdedRelu", 10, Activations.ThresholdedRelu),
        Rule("Shrink", 9, Activations.Shrink),
        Rule("Gelu", 20, Activations.Gelu),
        Rule("Clip", 6, Activations.Clip),
        Rule("Dropout", 7, Activations.Dropout),

        // Choices.
        Rule("TopK", 1, Choices.TopK),
        Rule("ArgMax", 1, Choices.ArgMax),
        Rule("ArgMin", 1, Choices.ArgMin),

        // Comparisons and logic.
        Rule("Greater", 7, Comparisons.Greater),
        Rule("GreaterOrEqual", 12, Comparisons.GreaterOrEqual),
        Rule("Less", 7, Comparisons.Less),
        Rule("LessOrEqual", 12, Comparisons.LessOrEqual),
        Rule("Equal", 7, Comparisons.Equal),
        Rule("And", 7, Comparisons.And),
        Rule("Or", 7, Comparisons.Or),
        Rule("Xor", 7, Comparisons.Xor),
        Rule("Not", 1, Comparisons.Not),
        Rule("IsNaN", 9, Comparisons.IsNaN),
        Rule("IsInf", 10, Comparisons.IsInfinite),
        Rule("Where", 9, Comparisons.Where),

        // Layers.
        Rule("Conv", 1, Convolutions.Conv),
        Rule("ConvTranspose", 1, Convolutions.ConvTranspose),
        Rule("Gemm", 7, MatrixProducts.Gemm),
        Rule("MatMul", 1, MatrixProducts.MatMul),
        Rule("Einsum", 12, Einsum.Lower),
        Rule("Attention", 23, Attention.Standard),
        Rule("RotaryEmbedding", 23, Rotary.Standard),
        Rule("RNN", 7, Recurrent.Rnn),
        Rule("GRU", 7, Recurrent.Gru),
        Rule("LSTM", 7, Recurrent.Lstm),
        Rule("MaxPool", 1, Pooling.MaxPool),
        Rule("AveragePool", 7, Pooling.AveragePool),
        Rule("MaxUnpool", 9, Unpooling.MaxUnpool),
        Rule("Col2Im", 18, Unpooling.ColumnsToImage),
        Rule("LpPool", 2, Pooling.LpPool),
        Rule("GlobalAveragePool", 1, Pooling.GlobalAveragePool),
        Rule("GlobalMaxPool", 1, Pooling.GlobalMaxPool),
        Rule("GlobalLpPool", 2, Pooling.GlobalLpPool),

        // Normalisation.
        Rule("BatchNormalization", 7, Normalizations.BatchNormalization),
        Rule("InstanceNormalization", 6, Normalizations.InstanceNormalization),
        Rule("GroupNormalization", 18, Normalizations.GroupNormalization),
        // The standard has it from opset 17 on; ONNX Runtime writes it, and the simplified one, at any opset.
        Rule("LayerNormalization", 1, Normalizations.LayerNormalization),
        Rule("SimplifiedLayerNormalization", 1, Normalizations.RmsNormalization),
        Rule("RMSNormalization", 23, Normalizations.RmsNormalization),
        Rule("MeanVarianceNormalization", 9, Normalizations.MeanVarianceNormalization),
        Rule("LRN", 1, Normalizations.LocalResponse),
        Rule("LpNormalization", 1, Normalizations.LpNormalization),
        Rule("Softmax", 1, Normalizations.Softmax),
        Rule("LogSoftmax", 1, Normalizations.LogSoftmax),
        Rule("Hardmax", 1, Normalizations.Hardmax),

        // Losses.
        Rule("NegativeLogLikelihoodLoss", 12, Losses.NegativeLogLikelihood),
        Rule("SoftmaxCrossEntropyLoss", 12, Losses.SoftmaxCrossEntropy),

        // Reductions.
        Rule("ReduceSum", 1, Reductions.Sum),
        Rule("ReduceMean", 1, Reductions.Mean),
        Rule("ReduceMax", 1, Reductions.Max),
        Rule("ReduceMin", 1, Reductions.Min),
        Rule("ReduceProd", 1, Reductions.Product),
        Rule("ReduceL1", 1, Reductions.L1),
        Rule("ReduceL2", 1, Reductions.L2),
        Rule("ReduceLogSum", 1, Reductions.LogSum),
        Rule("ReduceLogSumExp", 1, Reductions.LogSumExp),
        Rule("ReduceSumSquare", 1, Reductions.SumSquare),
        Rule("CumSum", 11, Reductions.CumSum),
    ];

    /// <summary>The rules by domain and type.</summary>
    public static FrozenDictionary<(string Domain, string Type), OperatorRule> Table { get; } = All.Concat(RuntimeOperators.All).ToFrozenDictionary(rule => (rule.Domain, rule.Type));

    static OperatorRule Rule(string type, int since, Action<OperatorCall> lower, int until = OnnxReader.HighestOpset) => new("", type, since, until, lower);
}
