using Microsoft.ML.OnnxRuntime;
using Tiebreak.Evaluation;
using Tiebreak.Formats.Onnx.Writing;
using Tiebreak.Programs;

namespace Tiebreak.Conformance;

/// <summary>Computes a program by writing it as an ONNX model and running that in ONNX Runtime.</summary>
public static class RuntimeEvaluator
{
    /// <summary>The values of all outputs, computed in float64.</summary>
    public static IReadOnlyList<OutputValues> Evaluate(TensorProgram program, Func<Node, double[]> leaf) => Evaluate(program, leaf, OnnxElementType.Float64);

    /// <summary>The values of all outputs.</summary>
    /// <exception cref="OnnxRuntimeException">The runtime refuses the model.</exception>
    public static IReadOnlyList<OutputValues> Evaluate(TensorProgram program, Func<Node, double[]> leaf, OnnxElementType elementType)
    {
        var written = OnnxWriter.Write(program, new OnnxWriterOptions { ElementType = elementType });
        using var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        using var session = new InferenceSession(written.ToBytes(), options);
        using var run = new RunOptions();
        var inputs = written.Inputs.Select(input => Tensor(leaf(input.Leaf), input.Leaf.Shape, elementType)).ToArray();
        try
        {
            using var results = session.Run(run, [.. written.Inputs.Select(input => input.Name)], inputs, written.Outputs);
            return [.. program.Outputs.Select((output, k) => new OutputValues(output.Name, ShapeOf(results[k]), Numbers(results[k], elementType)))];
        }
        finally
        {
            foreach (var input in inputs) input.Dispose();
        }
    }

    static OrtValue Tensor(double[] values, Shape shape, OnnxElementType elementType)
    {
        var sizes = shape.Sizes.Select(size => (long)size).ToArray();
        return elementType == OnnxElementType.Float64
            ? OrtValue.CreateTensorValueFromMemory(values, sizes)
            : OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, value => (float)value), sizes);
    }

    static double[] Numbers(OrtValue value, OnnxElementType elementType)
    {
        if (elementType == OnnxElementType.Float64) return value.GetTensorDataAsSpan<double>().ToArray();
        return Array.ConvertAll(value.GetTensorDataAsSpan<float>().ToArray(), number => (double)number);
    }

    static Shape ShapeOf(OrtValue value) => new([.. value.GetTensorTypeAndShape().Shape.Select(size => (int)size)]);
}
