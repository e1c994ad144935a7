import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * What Kafka's own client sees of partition 0 with read_committed, up to the stable offset: one line a record,
 * {@code offset timestamp key value}, key and value in base64, "-" for null.
 * Arguments: brokers topic maxPartitionFetchBytes
 */
public class ReadCommitted {
  public static void main(String[] args) {
    Properties config = new Properties();
    config.put("bootstrap.servers", args[0]);
    config.put("isolation.level", "read_committed");
    config.put("enable.auto.commit", "false");
    config.put("max.partition.fetch.bytes", args[2]);
    TopicPartition partition = new TopicPartition(args[1], 0);
    StringBuilder lines = new StringBuilder();
    try (var consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      long end = consumer.endOffsets(List.of(partition)).get(partition);
      while (consumer.position(partition) < end) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          lines.append(record.offset()).append(' ').append(record.timestamp()).append(' ');
          lines.append(text(record.key())).append(' ').append(text(record.value())).append('\n');
        }
      }
    }
    System.out.print(lines);
  }

  private static String text(byte[] bytes) {
    return bytes == null ? "-" : Base64.getEncoder().encodeToString(bytes);
  }
}
